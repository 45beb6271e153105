"""What the shipped gate tells of pictures of other kinds."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from apps.run import model_folder_of
from apps.us_breast_lesion.evaluate import kinds, scores, told_apart
from apps.us_breast_lesion.model import Model, load_model


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(model_folder_of("us_breast_lesion"), torch.device("cpu"))


def test_another_scanner_and_other_gains_are_told_from_held_out_pictures(model: Model) -> None:
    made = kinds(12)
    found = {
        name: scores([sample.image for sample in samples], model) for name, samples in (next(made) for _ in "1234")
    }
    known, *others = found.values()
    assert list(found)[1:] == ["another scanner", "gain 10 to 14 dB higher", "gain 10 to 14 dB lower"]
    assert all(told_apart(known, other) > 0.85 for other in others)


def test_scores_that_are_all_larger_are_told_apart_and_equal_ones_are_not() -> None:
    low, high = np.arange(3.0), np.arange(3.0, 7.0)
    assert told_apart(high, low) == 1.0
    assert told_apart(low, high) == 0.0
    assert told_apart(low, low) == 0.5
