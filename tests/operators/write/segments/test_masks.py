"""Overlapping masks and fractions: what may be given, what is stored of it, and that nothing given is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import FileDataset

from operators.provenance import Analysis
from operators.write.base.result import save
from operators.write.segment import Segment
from operators.write.segmentation import write_segmentation
from operators.write.segments.form import SegmentationForm
from operators.write.segments.masks import Labels
from tests.operators.write.segments.readers import read_by_dcmqi, read_by_highdicom
from tests.operators.write.studies import LESIONS, make_volume, segment

SHAPE = (4, 6, 9)
SEGMENTS = [segment(1, "Organ"), segment(2, "Lesion in it")]
PROBABILITY = SegmentationForm("probability")


def overlapping() -> NDArray[np.bool_]:
    masks = np.zeros((2, *SHAPE), bool)
    masks[0, 1:3, 1:5, 1:8] = True
    masks[1, 2:, 2:4, 3:9] = True
    return masks


def fractions() -> NDArray[np.float64]:
    values = np.random.default_rng(5).random((2, *SHAPE))
    values[:, 0] = 0
    values[0, 1] = [0.001, 0.0019, 0.002, 0.25, 0.5, 0.75, 0.998, 0.999, 1.0]
    return values


def write(
    analysis: Analysis, labels: Labels, form: SegmentationForm | None = None, segments: list[Segment] = SEGMENTS
) -> FileDataset:
    return write_segmentation("x", LESIONS, make_volume("coronal", SHAPE), labels, segments, analysis, form=form)


@pytest.mark.parametrize("form", [SegmentationForm(), SegmentationForm("occupancy", "rle")])
def test_overlapping_segments_are_kept_apart(form: SegmentationForm, analysis: Analysis, tmp_path: Path) -> None:
    path = save(write(analysis, overlapping(), form), tmp_path)
    assert dcmread(path).SegmentsOverlap == "YES"
    volume = make_volume("coronal", SHAPE)
    by_highdicom = read_by_highdicom(path, volume, 2)
    in_slicer = read_by_dcmqi(path, tmp_path / "slicer", volume, is_fractional=form.is_fractional)
    for place in (0, 1):
        np.testing.assert_array_equal(by_highdicom[..., place], overlapping()[place])
        np.testing.assert_array_equal(in_slicer[place + 1].values > 0, overlapping()[place])


def test_masks_side_by_side_do_not_overlap(analysis: Analysis) -> None:
    masks = overlapping()
    masks[0] &= ~masks[1]
    assert write(analysis, masks).SegmentsOverlap == "NO"
    assert write(analysis, fractions() * 0.001, PROBABILITY).SegmentsOverlap == "NO"
    assert write(analysis, fractions(), PROBABILITY).SegmentsOverlap == "YES"


def test_masks_may_be_a_list_and_a_single_one_stands_for_itself(analysis: Analysis) -> None:
    masks = overlapping()
    assert write(analysis, list(masks)) == write(analysis, masks)
    alone = write(analysis, masks[0], segments=SEGMENTS[:1])
    assert alone == write(analysis, masks[:1], segments=SEGMENTS[:1])
    assert alone == write(analysis, masks[0].astype(np.uint32), segments=SEGMENTS[:1])


def test_masks_become_a_label_map(analysis: Analysis, tmp_path: Path) -> None:
    masks = overlapping()
    with pytest.raises(ValueError, match="masks overlap"):
        write(analysis, masks, SegmentationForm("labelmap"))
    masks[0] &= ~masks[1]
    path = save(write(analysis, masks, SegmentationForm("labelmap")), tmp_path)
    found = read_by_highdicom(path, make_volume("coronal", SHAPE), 2)
    np.testing.assert_array_equal(np.moveaxis(found, -1, 0), masks)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("kind", ["probability", "occupancy"])
def test_fractions_are_stored_to_half_a_255th(dtype: str, kind: Any, analysis: Analysis, tmp_path: Path) -> None:
    values = fractions().astype(dtype)
    path = save(write(analysis, values, SegmentationForm(kind)), tmp_path)
    read = dcmread(path)
    assert (read.SegmentationType, read.SegmentationFractionalType) == ("FRACTIONAL", kind.upper())
    assert read.MaximumFractionalValue == 255
    volume = make_volume("coronal", SHAPE)
    # Half precision knows 1/1024 near 1.
    tolerance = 0.5 / 255 + (1e-3 if dtype == "float16" else 1e-6)
    found = np.moveaxis(read_by_highdicom(path, volume, 2), -1, 0)
    np.testing.assert_allclose(found, values.astype(float), atol=tolerance)
    in_slicer = read_by_dcmqi(path, tmp_path / "slicer", volume, is_fractional=True)
    for place in (0, 1):
        np.testing.assert_array_equal(in_slicer[place + 1].values, np.round(found[place] * 255))


def test_a_fraction_too_small_to_be_stored_has_no_frame(analysis: Analysis) -> None:
    values = np.full((2, *SHAPE), 0.001)
    values[1, 3, 0, 0] = 0.01
    result = write(analysis, values, PROBABILITY)
    assert result.NumberOfFrames == 1
    assert [item.get("SegmentDescription") for item in result.SegmentSequence] == ["Nothing found", None]


@pytest.mark.parametrize("labels", [overlapping(), fractions(), fractions().astype(np.float32)])
def test_the_callers_arrays_are_left_alone(labels: NDArray[Any], analysis: Analysis) -> None:
    before = labels.copy()
    labels.flags.writeable = False
    write(analysis, labels, PROBABILITY)
    np.testing.assert_array_equal(labels, before)


@pytest.mark.parametrize("value", [-0.01, 1.01, np.nan, np.inf])
def test_what_is_no_fraction_is_an_error(value: float, analysis: Analysis) -> None:
    values = fractions()
    values[1, 2, 3, 4] = value
    with pytest.raises(ValueError, match="mask of segment 2 is not from 0 to 1 on slice 2"):
        write(analysis, values, PROBABILITY)


def test_masks_that_do_not_fit_are_an_error(analysis: Analysis) -> None:
    masks = overlapping()
    with pytest.raises(ValueError, match="hold fractions, which a binary segmentation does not"):
        write(analysis, fractions())
    with pytest.raises(ValueError, match="2 masks, but 1 segments"):
        write(analysis, masks, segments=SEGMENTS[:1])
    with pytest.raises(ValueError, match="1 masks, but 2 segments"):
        write(analysis, masks[0])
    with pytest.raises(ValueError, match="all alike"):
        write(analysis, [masks[0], masks[1, :3]])
    with pytest.raises(ValueError, match="a label map is"):
        write(analysis, masks.astype(np.uint8))
    with pytest.raises(ValueError, match="not on 4 slices"):
        write(analysis, masks[:, :3])
    with pytest.raises(ValueError, match="masks bool or float, not int64"):
        write(analysis, masks.astype(np.int64))
