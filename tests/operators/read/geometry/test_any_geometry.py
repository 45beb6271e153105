"""Any orientation, spacing, order and shear, in single and multi-frame objects, against ITK and highdicom."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from operators.read.rules import ReadingRules
from operators.refused import Reason, Refused
from phantoms.volumes.enhanced_ct import write_enhanced_ct
from phantoms.volumes.single_frame import write_ct
from tests.operators.read.second_readers import assert_same, by_highdicom, by_itk, volume_of
from tests.operators.read.slices import ramp, rotated

AFFINES = st.builds(
    lambda axis, degrees, spacing, origin: _placed(rotated(np.diag([*spacing, 1.0]), degrees, axis), origin),
    st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda axis: float(np.linalg.norm(axis)) > 0.1),
    st.floats(0, 360),
    st.tuples(*[st.floats(0.3, 8)] * 3),
    st.tuples(*[st.floats(-300, 300)] * 3),
)


def _placed(affine: NDArray[np.float64], origin: tuple[float, float, float]) -> NDArray[np.float64]:
    affine[:3, 3] = origin
    return affine


@settings(deadline=None, max_examples=20)
@given(affine=AFFINES, slices=st.integers(2, 7), rows=st.integers(2, 5), order=st.randoms(use_true_random=False))
def test_single_frames_in_any_order_are_those_of_itk(
    tmp_path_factory: pytest.TempPathFactory,
    affine: NDArray[np.float64],
    slices: int,
    rows: int,
    order: random.Random,
) -> None:
    folder = tmp_path_factory.mktemp("ct")
    numbers = list(range(1, slices + 1))
    order.shuffle(numbers)
    stored = ramp("u2", (slices, rows, 3))
    written = write_ct(folder, stored, affine, each=lambda index: {"InstanceNumber": numbers[index]})
    volume = volume_of(folder)
    np.testing.assert_array_equal(volume.array, written.array)
    np.testing.assert_allclose(volume.affine, affine, rtol=0, atol=1e-6)
    assert_same(volume, *by_itk(written.paths))


@pytest.mark.filterwarnings("ignore")
@settings(deadline=None, max_examples=15)
@given(affine=AFFINES, order=st.permutations(range(5)))
def test_frames_in_any_order_are_those_of_highdicom(
    tmp_path_factory: pytest.TempPathFactory, affine: NDArray[np.float64], order: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("enhanced")
    written = write_enhanced_ct(folder, ramp("u2", (5, 4, 3)), affine, order=order)
    volume = volume_of(folder)
    np.testing.assert_array_equal(volume.array, written.array)
    np.testing.assert_allclose(volume.affine, affine, rtol=0, atol=1e-6)
    assert [item.frame for item in volume.slices] == [order.index(index) for index in range(5)]
    assert_same(volume, *by_highdicom(written.paths[0]))


@settings(deadline=None, max_examples=30)
@given(affine=AFFINES, shear=st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)), slices=st.integers(2, 6))
def test_any_shear_is_kept_exactly_or_refused(
    tmp_path_factory: pytest.TempPathFactory,
    affine: NDArray[np.float64],
    shear: tuple[float, float],
    slices: int,
) -> None:
    folder = tmp_path_factory.mktemp("shear")
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    sheared = affine.copy()
    across = (shear[0] * affine[:3, 0] / spacing[0] + shear[1] * affine[:3, 1] / spacing[1]) * spacing[2]
    sheared[:3, 2] += across
    tilt = float(np.degrees(np.arctan2(np.linalg.norm(across), spacing[2])))
    written = write_ct(folder, ramp("u2", (slices, 4, 3)), sheared)
    kept = volume_of(folder, ReadingRules(gantry_tilt="keep"))
    np.testing.assert_array_equal(kept.array, written.array)
    np.testing.assert_allclose(kept.affine, sheared, rtol=0, atol=1e-6)
    if tilt > 0.101:
        with pytest.raises(Refused) as refused:
            volume_of(folder)
        assert refused.value.reason is Reason.GANTRY_TILT
    elif tilt < 0.099:
        volume_of(folder)
