from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from operators.check.ghosting import ghosting_gate
from operators.refused import Reason
from tests.operators.check.volumes import figure, volume

SIZE = 96


def disc(radius: int = 20) -> NDArray[np.float64]:
    row, column = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    return np.where(np.hypot(row, column) < radius, 1000.0, 0.0)


def nyquist_ghost(image: NDArray[np.float64], strength: float, axis: int) -> NDArray[np.float64]:
    """Odd phase-encoding lines (along ``axis``) weaker than even ones: a copy half a field of view away."""
    lines = np.fft.fft(image, axis=axis)
    weights = np.where(np.arange(SIZE) % 2, 1 - 2 * strength, 1.0)
    return np.abs(np.fft.ifft(lines * (weights[:, None] if axis == 0 else weights[None, :]), axis=axis))


def truth(image: NDArray[np.float64], axis: int) -> float:
    """Mean of what lies beside the disc along the axis, by the mean of the disc: from the known place of the disc."""
    inside = disc() > 0
    box = np.flatnonzero(inside.any(axis=1 - axis))
    other = np.flatnonzero(inside.any(axis=axis))
    beside = np.setdiff1d(np.arange(SIZE), np.arange(box[0] - 2, box[-1] + 3))
    strip = image[np.ix_(beside, other)] if axis == 0 else image[np.ix_(other, beside)]
    return float(strip.mean() / image[inside].mean())


@pytest.mark.parametrize("strength", [0.01, 0.05, 0.15])
@pytest.mark.parametrize(("direction", "axis"), [("COL", 0), ("COLUMN", 0), ("ROW", 1)])
def test_a_nyquist_ghost_has_its_strength(strength: float, direction: str, axis: int) -> None:
    image = nyquist_ghost(disc(), strength, axis)
    result = ghosting_gate(volume(np.stack([image] * 4), InPlanePhaseEncodingDirection=direction))
    assert figure(result, "ghosting") == pytest.approx(100 * truth(image, axis), rel=0.15)
    assert result.passed


def test_a_ghost_along_the_other_axis_is_none_of_phase_encoding() -> None:
    image = nyquist_ghost(disc(), 0.1, 1)
    result = ghosting_gate(volume(np.stack([image] * 4), InPlanePhaseEncodingDirection="COL"), maximum=0.01)
    assert result.passed
    assert figure(result, "ghosting") < 0


def test_strong_ghosts_are_refused_where_a_limit_is_set() -> None:
    ghosts = volume(np.stack([nyquist_ghost(disc(), 0.15, 0)] * 4), InPlanePhaseEncodingDirection="COL")
    result = ghosting_gate(ghosts, maximum=0.03)
    assert result.reason is Reason.IMAGE_QUALITY
    assert result.detail.endswith("along the column direction, at most 3 % may be")


def test_noise_is_no_ghost() -> None:
    random = np.random.default_rng(0)
    array = np.abs(disc() + random.normal(0, 30, (6, SIZE, SIZE)) + 1j * random.normal(0, 30, (6, SIZE, SIZE)))
    assert abs(figure(ghosting_gate(volume(array, InPlanePhaseEncodingDirection="ROW")), "ghosting")) < 0.3


@pytest.mark.parametrize(
    ("array", "direction"),
    [
        (np.stack([disc()] * 3), ""),
        (np.stack([disc()] * 3), "OTHER"),
        (np.stack([disc(70)] * 3), "ROW"),
        (np.zeros((3, SIZE, SIZE)), "ROW"),
    ],
)
def test_what_cannot_be_measured_is_said(array: NDArray[np.float64], direction: str) -> None:
    result = ghosting_gate(volume(array, InPlanePhaseEncodingDirection=direction), maximum=0.01)
    assert result.passed
    assert result.detail.startswith("not measured")
    assert result.figures == ()
