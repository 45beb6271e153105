from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from operators.check.image_quality import check_volume
from operators.read.volume import Volume
from operators.refused import Reason, Refused
from phantoms.mr_brain import simulate_brain_mr

SHAPE = (20, 40, 30)
AFFINE = np.diag([4.0, 3.0, 6.0, 1.0])


def volume(array: NDArray[Any], affine: NDArray[np.float64] = AFFINE) -> Volume:
    return Volume(array, affine, "1.2.3", ())


def noise() -> NDArray[np.int16]:
    return np.random.default_rng(0).normal(300, 50, SHAPE).astype(np.int16)


def refusal(array: NDArray[Any], affine: NDArray[np.float64] = AFFINE) -> str:
    with pytest.raises(Refused) as refused:
        check_volume(volume(array, affine))
    assert refused.value.reason is Reason.IMAGE_QUALITY
    return refused.value.detail


def test_figures_of_a_good_volume() -> None:
    array = noise()
    array[0] = 0
    array[5, 5, 5:8] = 1000
    report = check_volume(volume(array))
    assert report.minimum == 0.0
    assert report.maximum == 1000.0
    assert report.saturated_share == pytest.approx(3 / 24000)
    assert report.blank_slices == 1
    assert report.extents == pytest.approx((120.0, 120.0, 120.0))


def test_the_extents_follow_an_oblique_affine() -> None:
    angle = np.radians(30)
    turn = np.eye(4)
    turn[:3, :3] = [[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]]
    report = check_volume(volume(noise(), turn @ np.diag([5.0, 3.5, 6.0, 1.0])))
    assert report.extents == pytest.approx((120.0, 140.0, 150.0))


@pytest.mark.parametrize("dtype", ["u1", "i2", "f4"])
def test_a_constant_volume_is_refused(dtype: str) -> None:
    assert refusal(np.full(SHAPE, 7, dtype)) == "every voxel is 7"


def test_a_mostly_blank_volume_is_refused() -> None:
    array = noise()
    array[:11] = 0
    assert refusal(array) == "11 of 20 slices are blank"


def test_a_clipped_volume_is_refused() -> None:
    detail = refusal(np.minimum(noise(), 380))
    assert detail.endswith("% of the voxels are clipped at 380, at most 1.0 % may be")
    assert 4.0 < float(detail.split()[0]) < 7.0


def test_a_slab_is_refused_as_a_head_but_not_where_a_slab_is_wanted() -> None:
    slab = np.diag([4.0, 3.0, 2.0, 1.0])
    assert refusal(noise(), slab) == ("the field of view is 40 x 120 x 120 mm, every side must be at least 100 mm")
    assert check_volume(volume(noise(), slab), minimum_extent_mm=30.0).extents[0] == pytest.approx(40.0)


def test_every_problem_is_told() -> None:
    assert refusal(np.zeros(SHAPE, np.int16), np.eye(4)).count(";") == 1


def test_a_simulated_head_passes() -> None:
    phantom = simulate_brain_mr(5, size="small")
    for acquisition in (phantom.flair, phantom.t1):
        report = check_volume(volume(acquisition.array.astype(np.uint16), acquisition.affine))
        assert report.saturated_share < 1e-4
