"""What is encoded here equals what pydicom writes, and behaves as if pydicom had read it."""

from __future__ import annotations

from copy import deepcopy
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.filewriter import dcmwrite
from pydicom.sequence import Sequence

from operators.provenance import Analysis
from operators.read.geometry.slices import Slice
from operators.read.study import read_study
from operators.read.volume import Volume, read_volume
from operators.write.base.element_bytes import element, encoded, item
from operators.write.base.planes import source_plane
from operators.write.base.result import save
from operators.write.segmentation import write_segmentation
from operators.write.segments.form import SegmentationForm
from operators.write.segments.functional_groups import SEGMENTATION, frame_groups
from phantoms.volumes.enhanced_mr import write_enhanced_mr
from phantoms.volumes.mosaic import write_mosaic
from tests.operators.read.slices import AXIAL, ramp, rotated
from tests.operators.write.studies import LESIONS, make_volume, patient, segment

SHAPE = (4, 6, 8)
OBLIQUE = rotated(AXIAL, 15.0, (1.0, 0.2, 0.1))


def groups_by_pydicom(source: Slice, number: int | None, index: int) -> Dataset:
    content = Dataset()
    content.DimensionIndexValues = index + 1 if number is None else [number, index + 1]
    groups = source_plane(source, SEGMENTATION)
    groups.FrameContentSequence = Sequence([content])
    if number is not None:
        identification = Dataset()
        identification.ReferencedSegmentNumber = number
        groups.SegmentIdentificationSequence = Sequence([identification])
    return groups


@pytest.fixture(params=["instances", "frames", "tiles"])
def volume(request: pytest.FixtureRequest, tmp_path: Path) -> Volume:
    if request.param == "instances":
        return make_volume("oblique", SHAPE)
    if request.param == "frames":
        write_enhanced_mr(tmp_path, ramp("u2", SHAPE), OBLIQUE, order=[3, 0, 2, 1])
    else:
        write_mosaic(tmp_path, ramp("u2", SHAPE)[np.newaxis], OBLIQUE)
    (series,) = read_study(tmp_path).series
    return read_volume(series)


@pytest.mark.parametrize("by_segment", [True, False])
def test_functional_groups_equal_those_of_pydicom(volume: Volume, by_segment: bool) -> None:
    frames = [(1, 0), (1, 3), (65535, 3), (65535, 2)]
    expected = [
        item(encoded(groups_by_pydicom(volume.slices[index], number if by_segment else None, index)))
        for number, index in frames
    ]
    assert frame_groups(volume.slices, frames, by_segment=by_segment) == b"".join(expected)


def written(analysis: Analysis, identity: Dataset | None = None, form: SegmentationForm | None = None) -> FileDataset:
    labels = np.zeros(SHAPE, np.uint8)
    labels[1:3, 2:5, 3], labels[2, 0, 0] = 1, 2
    volume = make_volume("oblique", SHAPE, identity=identity)
    return write_segmentation("x", LESIONS, volume, labels, [segment(1, "A"), segment(2, "B")], analysis, form=form)


def as_pydicom_writes_it(result: FileDataset) -> bytes:
    """The file after every element, nested ones too, was taken apart and put together by pydicom."""
    again = FileDataset("x", Dataset(), preamble=result.preamble, file_meta=result.file_meta)
    for found in deepcopy(result):
        again.add(found)
    for found in again.iterall():
        found.value  # noqa: B018 - reading a value is what takes it apart
    buffer = BytesIO()
    dcmwrite(buffer, again, enforce_file_format=True)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "form", [SegmentationForm(), SegmentationForm("labelmap", "rle"), SegmentationForm("occupancy")]
)
@pytest.mark.parametrize("character_set", ["ISO_IR 100", "ISO_IR 192", ["", "ISO 2022 IR 100"], None])
def test_the_file_equals_the_one_that_pydicom_writes(
    character_set: str | list[str] | None, form: SegmentationForm, analysis: Analysis, tmp_path: Path
) -> None:
    plain = {"PatientName": "Doe^Jane", "ReferringPhysicianName": "Doe^John", "StudyDescription": "Head"}
    identity = patient(SpecificCharacterSet=character_set, **({} if character_set else plain))
    result = written(analysis, identity, form)
    assert save(result, tmp_path).read_bytes() == as_pydicom_writes_it(result)


def test_the_result_behaves_as_any_data_set(analysis: Analysis, tmp_path: Path) -> None:
    result = written(analysis)
    read = dcmread(save(result, tmp_path))
    assert result == read
    assert deepcopy(result) == read
    assert len(result.PerFrameFunctionalGroupsSequence) == result.NumberOfFrames == 3
    assert result.pixel_array.sum() == 7
    assert sum(1 for _ in result.iterall()) == sum(1 for _ in read.iterall())
    assert result.to_json_dict() == read.to_json_dict()
    # Looked at and changed, it is written as changed.
    result.PerFrameFunctionalGroupsSequence[0].FrameContentSequence[0].FrameComments = "changed"
    again = dcmread(save(result, tmp_path))
    assert again.PerFrameFunctionalGroupsSequence[0].FrameContentSequence[0].FrameComments == "changed"


def test_a_value_too_long_for_its_length_is_an_error() -> None:
    with pytest.raises(ValueError, match="do not fit into ImagePositionPatient"):
        element("ImagePositionPatient", "DS", b"0" * 65536)
