"""Gantry tilt and the thickness of slices: refused, kept or resampled, as the rules say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from operators.read.rules import ReadingRules
from operators.refused import Reason, Refused
from phantoms.volumes.single_frame import write_ct, write_mr
from tests.operators.read.second_readers import volume_of
from tests.operators.read.slices import AXIAL, ramp, rotated


def tilted(degrees: float) -> NDArray[np.float64]:
    """Slices turned about their rows by a gantry, on a table that moves along the patient's axis."""
    affine = rotated(np.diag([0.9, 1.2, 3.0, 1.0]), degrees, (1, 0, 0))
    affine[:3, 2] = [0, 0, 3.0]
    affine[:3, 3] = [-40, -50, 10]
    return affine


def refusal(folder: Path, rules: ReadingRules) -> Refused:
    with pytest.raises(Refused) as refused:
        volume_of(folder, rules)
    return refused.value


@pytest.mark.parametrize("degrees", [-20.0, 0.5, 15.0])
def test_a_tilted_stack_is_refused_unless_the_rules_say_otherwise(tmp_path: Path, degrees: float) -> None:
    write_ct(tmp_path, ramp("u2"), tilted(degrees))
    refused = refusal(tmp_path, ReadingRules())
    assert refused.reason is Reason.GANTRY_TILT
    assert f"{abs(degrees):.2f}°" in refused.detail

    kept = volume_of(tmp_path, ReadingRules(gantry_tilt="keep"))
    np.testing.assert_allclose(kept.affine, tilted(degrees), rtol=0, atol=1e-9)
    np.testing.assert_array_equal(kept.array, ramp("i4") - 1024)
    assert not kept.is_resampled


@pytest.mark.parametrize("degrees", [0.0, 30.0, -12.0])
def test_an_upright_stack_of_a_turned_gantry_is_none(tmp_path: Path, degrees: float) -> None:
    affine = rotated(AXIAL, degrees, (1, 0.3, 0))
    write_ct(tmp_path, ramp("u2"), affine)
    volume = volume_of(tmp_path, ReadingRules(gantry_tilt="resample"))
    np.testing.assert_allclose(volume.affine, affine, rtol=0, atol=1e-9)
    assert not volume.is_resampled


@settings(deadline=None, max_examples=10)
@given(degrees=st.floats(-25, 25).filter(lambda value: abs(value) > 0.2), slices=st.integers(2, 9))
def test_resampling_puts_every_voxel_where_itk_puts_it(
    tmp_path_factory: pytest.TempPathFactory, degrees: float, slices: int
) -> None:
    folder = tmp_path_factory.mktemp("tilt")
    stored = np.random.default_rng(slices).integers(0, 4000, (slices, 9, 8)).astype("u2")
    write_mr(folder, stored, tilted(degrees))
    volume = volume_of(folder, ReadingRules(gantry_tilt="resample"))

    assert volume.is_resampled
    steps = volume.affine[:3, :3]
    np.testing.assert_allclose(np.cross(steps[:, 0], steps[:, 1]) @ steps[:, 2], np.prod(np.linalg.norm(steps, axis=0)))
    # The same planes: only rows are added, and each slice is moved along its columns.
    first, last = (volume.affine @ [0, 0, index, 1] for index in (0, slices - 1))
    normal = np.cross(steps[:, 0], steps[:, 1])
    for point, index in ((first, 0), (last, slices - 1)):
        source = tilted(degrees) @ [0, 0, index, 1]
        assert abs(normal @ (point - source)[:3]) < 1e-6
    for index in range(slices):
        image = SimpleITK.GetImageFromArray(stored[index].astype(np.float64))
        offset = np.linalg.lstsq(
            steps[:, :2], (volume.affine @ [0, 0, index, 1] - tilted(degrees) @ [0, 0, index, 1])[:3]
        )
        resampled = SimpleITK.Resample(
            image,
            volume.array.shape[:0:-1],
            SimpleITK.TranslationTransform(2),
            SimpleITK.sitkLinear,
            tuple(offset[0].tolist()),
            (1.0, 1.0),
            (1.0, 0.0, 0.0, 1.0),
            float("nan"),
        )
        expected = SimpleITK.GetArrayFromImage(resampled)
        # At its rim ITK repeats the outermost row where we blend into the outside.
        inside = ~np.isnan(expected)
        inside &= np.roll(inside, 1, 0) & np.roll(inside, -1, 0)
        inside[[0, -1]] = False
        assert np.abs(volume.array[index][inside] - expected[inside]).max(initial=0) <= 0.5 + 1e-6
        assert inside.sum() >= 5 * 8


def test_what_resampling_adds_is_as_dark_as_the_darkest_voxel(tmp_path: Path) -> None:
    write_ct(tmp_path, ramp("u2", start=500), tilted(20.0))
    volume = volume_of(tmp_path, ReadingRules(gantry_tilt="resample"))
    assert volume.array.shape[1] > 6
    assert volume.array.min() == 500 - 1024
    assert volume.array.dtype == np.int16


@pytest.mark.parametrize(
    ("thickness", "rules", "reason", "said"),
    [
        (2.0, ReadingRules(maximum_gap=0.5), Reason.SLICE_GAP, "a gap of 1.000 mm, at most 0.5 mm"),
        (5.0, ReadingRules(maximum_overlap=1.0), Reason.SLICE_OVERLAP, "an overlap of 2.000 mm, at most 1 mm"),
        (None, ReadingRules(maximum_gap=0.5), Reason.SLICE_GAP, "Slice Thickness is not told"),
        (None, ReadingRules(maximum_overlap=0.5), Reason.SLICE_OVERLAP, "Slice Thickness is not told"),
    ],
)
def test_gaps_and_overlaps_beyond_the_rules_are_refused(
    tmp_path: Path, thickness: float | None, rules: ReadingRules, reason: Reason, said: str
) -> None:
    write_ct(tmp_path, ramp("u2"), AXIAL, each=lambda _: {"SliceThickness": thickness})
    refused = refusal(tmp_path, rules)
    assert refused.reason is reason
    assert said in refused.detail


@pytest.mark.parametrize(
    ("thickness", "gap", "overlap"), [(3.0, 0.0, 0.0), (2.4, 0.6, 0.0), (4.5, 0.0, 1.5), (None, None, None)]
)
def test_gap_and_overlap_are_recorded(
    tmp_path: Path, thickness: float | None, gap: float | None, overlap: float | None
) -> None:
    write_ct(tmp_path, ramp("u2"), AXIAL, each=lambda _: {"SliceThickness": thickness})
    found = volume_of(tmp_path).thickness_gap
    if gap is None:
        assert found is None
    else:
        assert found is not None
        assert (found.gap, found.overlap) == pytest.approx((gap, overlap), abs=1e-9)
    volume_of(tmp_path, ReadingRules(maximum_gap=0.6, maximum_overlap=1.5) if thickness else ReadingRules())
