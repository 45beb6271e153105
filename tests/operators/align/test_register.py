"""Rigid registration of simulated heads that have moved by a known amount."""

import numpy as np
import numpy.typing as npt
import pytest

from operators.align.register import (
    displacement_mm,
    normalised_mutual_information,
    register_rigid,
    rotation_angle_degrees,
)
from phantoms.mr_brain import BrainMRPhantom, simulate_brain_mr

POINTS = [[0, 0, 0], [50, 40, 30], [-50, -40, 30], [0, 60, -30]]


@pytest.fixture(scope="module")
def phantom() -> BrainMRPhantom:
    return simulate_brain_mr(5, size="small")


def moved(degrees: float, translation: tuple[float, float, float]) -> npt.NDArray[np.float64]:
    angle = np.radians(degrees)
    matrix = np.eye(4)
    matrix[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    matrix[:3, 3] = translation
    return matrix


@pytest.mark.parametrize(
    ("degrees", "translation", "same_frame"),
    [(0.0, (15.0, 0.0, 0.0), True), (5.0, (0.0, 0.0, 0.0), True), (-5.0, (4.0, -6.0, 60.0), False)],
)
def test_a_moved_head_is_brought_back(
    phantom: BrainMRPhantom, degrees: float, translation: tuple[float, float, float], same_frame: bool
) -> None:
    motion = moved(degrees, translation)
    result = register_rigid(
        phantom.t1.array,
        motion @ phantom.t1.affine,
        phantom.flair.array,
        phantom.flair.affine,
        same_frame_of_reference=same_frame,
    )
    assert result.registered
    assert result.accepted
    assert result.after > result.before
    assert displacement_mm(result.transform @ motion, POINTS).max() < 1.0


def test_a_head_that_did_not_move_keeps_the_geometry_of_its_header(phantom: BrainMRPhantom) -> None:
    result = register_rigid(
        phantom.t1.array,
        phantom.t1.affine,
        phantom.flair.array,
        phantom.flair.affine,
        same_frame_of_reference=True,
    )
    assert not result.registered
    assert result.accepted
    np.testing.assert_array_equal(result.transform, np.eye(4))
    assert result.after == result.before


def test_something_else_than_the_head_is_not_accepted(phantom: BrainMRPhantom) -> None:
    noise = np.random.default_rng(0).uniform(0, 1000, phantom.t1.array.shape)
    result = register_rigid(
        noise, phantom.t1.affine, phantom.flair.array, phantom.flair.affine, same_frame_of_reference=True
    )
    assert not result.accepted


def test_normalised_mutual_information_of_extremes() -> None:
    random = np.random.default_rng(0)
    first, second = random.uniform(size=100_000), random.uniform(size=100_000)
    assert normalised_mutual_information(first, first) == pytest.approx(2.0)
    assert normalised_mutual_information(first, 1 - first) == pytest.approx(2.0, abs=0.05)
    assert normalised_mutual_information(first, second) == pytest.approx(1.0, abs=0.01)


def test_rotation_angle() -> None:
    assert rotation_angle_degrees(moved(5.0, (1, 2, 3))) == pytest.approx(5.0)
