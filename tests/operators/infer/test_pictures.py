from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from operators.infer.pictures import native_pictures, network_pictures, picture_probabilities


def blob(shape: tuple[int, int], centre: tuple[float, float], radius: tuple[float, float]) -> np.ndarray:
    """A smooth spot, radii in pixels."""
    rows, columns = np.indices(shape)
    distance = ((rows - centre[0]) / radius[0]) ** 2 + ((columns - centre[1]) / radius[1]) ** 2
    return np.exp(-distance).astype(np.float32)


def test_all_of_a_picture_is_seen_whatever_its_proportions() -> None:
    pictures = np.stack([blob((100, 300), (20, 250), (8, 24)), blob((100, 300), (90, 10), (8, 24))])
    resized = network_pictures(pictures, 64, channels=3)
    assert resized.shape == (2, 3, 64, 64)
    assert (resized[:, 0] == resized[:, 2]).all()
    row, column = np.unravel_index(np.argmax(resized[0, 0]), (64, 64))
    # Centres of pixels: 20.5 of 100 rows and 250.5 of 300 columns.
    assert row + 0.5 == pytest.approx(20.5 * 64 / 100, abs=1)
    assert column + 0.5 == pytest.approx(250.5 * 64 / 300, abs=1)


def test_what_is_smaller_than_a_pixel_of_the_network_is_averaged_not_missed() -> None:
    fine = np.indices((128, 128)).sum(axis=0) % 2
    assert network_pictures(fine[None], 32).std() < 0.01


@pytest.mark.parametrize("shape", [(48, 48), (100, 300), (301, 77)])
def test_an_outline_comes_back_to_where_it_was(shape: tuple[int, int]) -> None:
    picture = blob(shape, (0.4 * shape[0], 0.6 * shape[1]), (0.15 * shape[0], 0.2 * shape[1]))
    truth = picture > 0.5

    def network(batch: Tensor) -> Tensor:
        return 20 * (batch - 0.5)

    found = picture_probabilities(network, np.stack([picture] * 3), 64, batch_size=2) > 0.5
    assert found.shape == (3, *shape)
    assert (found[0] == found[2]).all()
    overlap = 2 * (found[0] & truth).sum() / (found[0].sum() + truth.sum())
    assert overlap > 0.97
    for axis in (0, 1):
        assert np.argwhere(found[0])[:, axis].mean() == pytest.approx(np.argwhere(truth)[:, axis].mean(), abs=0.6)


def test_logits_of_any_size_give_finite_probabilities() -> None:
    with np.errstate(over="ignore"):
        found = picture_probabilities(lambda batch: torch.full_like(batch, -1e4), np.zeros((1, 40, 40)), 32)
    assert (found == 0).all()
    assert native_pictures(np.ones((1, 8, 8)), (20, 30)).shape == (1, 20, 30)
