"""Averaging of probabilities, and entropy."""

import pytest
import torch

from operators.infer.ensemble import average_probabilities, entropy


def test_the_mean_of_the_members() -> None:
    first = torch.tensor([0.9, 0.1]).reshape(2, 1, 1, 1)
    second = torch.tensor([0.2, 0.8]).reshape(2, 1, 1, 1)
    average = average_probabilities(member for member in (first, second))
    torch.testing.assert_close(average.flatten(), torch.tensor([0.55, 0.45]))
    torch.testing.assert_close(first.flatten(), torch.tensor([0.9, 0.1]))


def test_nothing_and_different_shapes_are_errors() -> None:
    with pytest.raises(ValueError, match="nothing"):
        average_probabilities([])
    with pytest.raises(ValueError, match="differ"):
        average_probabilities([torch.zeros(2, 1, 1, 1), torch.zeros(2, 1, 1, 2)])


def test_entropy_runs_from_certain_to_undecided() -> None:
    certain = torch.tensor([1.0, 0.0, 0.0]).reshape(3, 1, 1, 1)
    undecided = torch.full((3, 1, 1, 1), 1 / 3)
    assert float(entropy(certain)) == pytest.approx(0.0, abs=1e-6)
    assert float(entropy(undecided)) == pytest.approx(1.0, abs=1e-6)
