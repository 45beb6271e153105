"""Label maps by the rules of supplement 243, which the validator does not know, and as two readers see them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset

from operators.provenance import Analysis
from operators.write.base.result import save
from operators.write.segment import Segment
from operators.write.segmentation import write_segmentation
from operators.write.segments.form import SegmentationForm
from tests.operators.write.segments.readers import highdicom_in_space, read_by_dcmqi
from tests.operators.write.studies import LESIONS, make_volume, segment

SHAPE = (4, 8, 10)
LABEL_MAP = SegmentationForm("labelmap")


def described(*numbers: int) -> list[Segment]:
    return [segment(number, f"Structure {number}") for number in numbers]


def some_labels(*numbers: int, dtype: str = "uint16") -> NDArray[np.unsignedinteger]:
    values = np.random.default_rng(8).choice(np.array([0, 0, *numbers], dtype), size=SHAPE)
    values[2] = 0
    return values


def broken_rules(read: Dataset) -> list[str]:
    """What the object does against PS3.3 C.8.20.2 and table A.51-2 for LABELMAP."""
    bits = read.BitsAllocated
    pixels = read.pixel_array
    numbers = [item.SegmentNumber for item in read.SegmentSequence]
    groups = [*read.SharedFunctionalGroupsSequence, *read.PerFrameFunctionalGroupsSequence]
    rules = {
        "SOP class": read.SOPClassUID == "1.2.840.10008.5.1.4.1.1.66.7",
        "image type": list(read.ImageType) == ["DERIVED", "PRIMARY"],
        "8 or 16 bits, all stored": bits in (8, 16) and (read.BitsStored, read.HighBit) == (bits, bits - 1),
        "grey, unsigned": (read.PhotometricInterpretation, read.PixelRepresentation) == ("MONOCHROME2", 0),
        "nothing fractional": "MaximumFractionalValue" not in read and "SegmentationFractionalType" not in read,
        "every pixel value is described": set(np.unique(pixels).tolist()) <= set(numbers),
        "numbers differ": len(set(numbers)) == len(numbers),
        "the background is told": read.PixelPaddingValue == 0 and read["PixelPaddingValue"].VR == "US",
        "segments do not overlap": read.SegmentsOverlap == "NO",
        "frames have no one segment": not any("SegmentIdentificationSequence" in item for item in groups),
        "no dimension is a segment": [item.DimensionIndexPointer for item in read.DimensionIndexSequence]
        == [0x00200032],
        "a frame for each group": len(read.PerFrameFunctionalGroupsSequence) == read.NumberOfFrames,
        "an algorithm has a name": all(
            item.SegmentAlgorithmType == "MANUAL" or item.get("SegmentAlgorithmName") for item in read.SegmentSequence
        ),
    }
    return [rule for rule, is_kept in rules.items() if not is_kept]


@pytest.mark.parametrize(
    ("dtype", "numbers", "bits"),
    [
        ("uint8", (1, 2), 8),
        ("uint8", (3, 17, 255), 8),
        ("uint16", (1, 2), 8),
        ("uint16", (1, 256), 16),
        ("uint16", (2035, 65535), 16),
        ("uint32", (1, 2), 8),
        ("uint32", (2035, 65535), 16),
    ],
)
def test_any_numbers_keep_their_values(
    dtype: str, numbers: tuple[int, ...], bits: int, analysis: Analysis, tmp_path: Path
) -> None:
    labels = some_labels(*numbers, dtype=dtype)
    volume = make_volume("sagittal", SHAPE, reversed_order=True)
    result = write_segmentation("x", LESIONS, volume, labels, described(*numbers), analysis, form=LABEL_MAP)
    path = save(result, tmp_path)
    read = dcmread(path)
    assert broken_rules(read) == []
    assert read.BitsAllocated == bits
    assert read.NumberOfFrames == 3
    np.testing.assert_array_equal(highdicom_in_space(path, volume), labels)
    in_slicer = read_by_dcmqi(path, tmp_path / "slicer", volume, is_fractional=False)
    assert sorted(in_slicer) == sorted(numbers)
    for number in numbers:
        np.testing.assert_array_equal(in_slicer[number].values, labels == number)


def test_an_empty_label_map_has_every_slice_and_says_that_nothing_was_found(analysis: Analysis, tmp_path: Path) -> None:
    labels = np.zeros(SHAPE, np.uint8)
    volume = make_volume("axial", SHAPE)
    result = write_segmentation("x", LESIONS, volume, labels, described(1, 2), analysis, form=LABEL_MAP)
    read = dcmread(save(result, tmp_path))
    assert broken_rules(read) == []
    assert read.NumberOfFrames == SHAPE[0]
    assert read.ContentDescription == "White matter lesions: nothing found"
    assert [item.get("SegmentDescription") for item in read.SegmentSequence] == ["Nothing found", "Nothing found", None]


@pytest.mark.parametrize("numbers", [(2, 1), (1, 1), (0, 1)])
def test_numbers_that_do_not_ascend_from_one_are_an_error(numbers: tuple[int, ...], analysis: Analysis) -> None:
    segments = [segment(number, f"{place}") for place, number in enumerate(numbers)]
    with pytest.raises(ValueError, match="ascending numbers"):
        write_segmentation(
            "x", LESIONS, make_volume("axial", SHAPE), np.zeros(SHAPE, np.uint8), segments, analysis, form=LABEL_MAP
        )


def test_a_number_between_the_described_ones_is_an_error(analysis: Analysis) -> None:
    labels = some_labels(3, 4, 9)
    with pytest.raises(ValueError, match="label 4 on slice 0 is described by no segment"):
        write_segmentation("x", LESIONS, make_volume("axial", SHAPE), labels, described(3, 9), analysis, form=LABEL_MAP)
