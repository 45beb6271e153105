from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from operators.check.noise import noise_gate
from operators.refused import Reason
from tests.operators.check.volumes import figure, volume

SHAPE = (6, 64, 64)


def ball(signal: float, sigma: float, offset: float = 0.0, seed: int = 0) -> NDArray[np.float32]:
    """A disc of one signal on a background of ``offset``, with white noise everywhere."""
    row, column = np.mgrid[:64, :64] - 31.5
    disc = np.where(np.hypot(row, column) < 22, signal, 0.0) + offset
    return (disc + np.random.default_rng(seed).normal(0, sigma, SHAPE)).astype(np.float32)


@pytest.mark.parametrize(("signal", "sigma"), [(1000.0, 10.0), (1000.0, 60.0), (50.0, 2.0)])
@pytest.mark.parametrize("offset", [0.0, -1000.0])
def test_the_noise_that_was_added_is_found(signal: float, sigma: float, offset: float) -> None:
    result = noise_gate(volume(ball(signal, sigma, offset)))
    assert result.passed
    assert figure(result, "noise") == pytest.approx(sigma, rel=0.05)
    assert figure(result, "111787") == pytest.approx(signal / sigma, rel=0.05)


def test_a_noisy_volume_is_refused_where_a_limit_is_set() -> None:
    noisy = volume(ball(100.0, 25.0))
    result = noise_gate(noisy, minimum_signal_to_noise=8.0)
    assert result.reason is Reason.IMAGE_QUALITY
    assert "must be at least 8" in result.detail
    assert noise_gate(noisy, minimum_signal_to_noise=3.0).passed


def test_edges_between_tissues_are_no_noise() -> None:
    array = ball(1000.0, 10.0)
    array[:, ::16, :] *= 0.9
    assert figure(noise_gate(volume(array)), "noise") == pytest.approx(10.0, rel=0.15)


@pytest.mark.parametrize("array", [np.zeros(SHAPE), np.pad(np.ones((1, 3, 3)), ((0, 5), (20, 41), (20, 41)))])
def test_where_nothing_is_shown_nothing_is_measured(array: NDArray[np.float64]) -> None:
    result = noise_gate(volume(array))
    assert result.passed
    assert result.detail.startswith("not measured")
    assert result.figures == ()


def test_an_image_without_noise_has_no_ratio() -> None:
    result = noise_gate(volume(ball(1000.0, 0.0)))
    assert result.passed
    assert figure(result, "noise") == 0.0
    assert len(result.figures) == 1
