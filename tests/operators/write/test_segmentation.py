from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread

from operators.provenance import Analysis
from operators.read.volume import Volume
from operators.write.base.result import save
from operators.write.segment import Segment
from operators.write.segmentation import write_segmentation
from tests.operators.write.segments.readers import on_grid
from tests.operators.write.studies import LEFT, LESIONS, RIGHT, WHITE_MATTER, make_volume, segment

SEGMENTS = [
    segment(1, "Left", anatomic_region=WHITE_MATTER, laterality=LEFT, colour=(255, 0, 0)),
    segment(2, "Nowhere", colour=(0, 255, 0)),
    segment(3, "Right", laterality=RIGHT, colour=(0, 0, 255)),
]
SOURCES = [
    ("axial", False),
    ("axial", True),
    ("oblique", False),
    ("oblique", True),
    ("sagittal", False),
    ("sagittal", True),
    ("coronal", True),
]


def some_labels(shape: tuple[int, ...], seed: int = 0) -> NDArray[np.uint8]:
    values = np.random.default_rng(seed).choice(np.array([0, 0, 0, 1, 3], dtype=np.uint8), size=shape)
    values[1] = 0
    return values


@pytest.mark.parametrize(("orientation", "reversed_order"), SOURCES)
@pytest.mark.parametrize("shape", [(6, 10, 12), (5, 9, 7)])
def test_every_voxel_lies_where_it_was(
    tmp_path: Path, analysis: Analysis, orientation: str, reversed_order: bool, shape: tuple[int, int, int]
) -> None:
    volume = make_volume(orientation, shape, reversed_order=reversed_order)
    labels = some_labels(shape)
    path = save(write_segmentation("lesions", LESIONS, volume, labels, SEGMENTS, analysis), tmp_path)

    read = highdicom.seg.segread(path)
    by_source = read.get_pixels_by_source_instance(
        [instance.sop_instance_uid for instance in volume.instances],
        combine_segments=True,
        assert_missing_frames_are_empty=True,
    )
    np.testing.assert_array_equal(by_source, labels)
    in_space = read.get_volume(combine_segments=True)
    # highdicom's affine takes (slice, row, column); ours (column, row, slice).
    affine = in_space.affine[:, [2, 1, 0, 3]]
    np.testing.assert_array_equal(on_grid(volume, in_space.array, affine), labels)


def test_positions_and_orientation_are_the_sources_own_text(tmp_path: Path, analysis: Analysis) -> None:
    volume = make_volume("oblique")
    path = save(write_segmentation("lesions", LESIONS, volume, some_labels((6, 10, 12)), SEGMENTS, analysis), tmp_path)
    read = dcmread(path)
    texts = {str(instance.sop_instance_uid): instance.header for instance in volume.instances}
    for frame in read.PerFrameFunctionalGroupsSequence:
        image = frame.DerivationImageSequence[0].SourceImageSequence[0]
        source = texts[image.ReferencedSOPInstanceUID]
        written = frame.PlanePositionSequence[0].ImagePositionPatient
        assert [value.original_string for value in written] == [
            value.original_string for value in source.ImagePositionPatient
        ]
    shared = read.SharedFunctionalGroupsSequence[0]
    assert shared.PixelMeasuresSequence[0].PixelSpacing == source.PixelSpacing
    assert shared.PlaneOrientationSequence[0].ImageOrientationPatient == source.ImageOrientationPatient
    assert float(shared.PixelMeasuresSequence[0].SpacingBetweenSlices) == pytest.approx(3.0)


def test_the_spacing_of_a_sheared_stack_is_along_the_normal(analysis: Analysis) -> None:
    volume = make_volume()
    affine = volume.affine.copy()
    affine[1, 2] = 1.0
    for index, instance in enumerate(volume.instances):
        x, y, z = instance.header.ImagePositionPatient
        instance.header.ImagePositionPatient = [x, f"{float(y) + index:.5f}", z]
    sheared = Volume(volume.array, affine, volume.frame_of_reference_uid, volume.slices)
    result = write_segmentation("lesions", LESIONS, sheared, some_labels((6, 10, 12)), SEGMENTS, analysis)
    measures = result.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert float(measures.SpacingBetweenSlices) == 3.0
    row, column = map(float, measures.PixelSpacing)
    assert row * column * float(measures.SpacingBetweenSlices) == pytest.approx(sheared.voxel_volume)


def test_all_source_images_are_referenced_at_the_top(analysis: Analysis) -> None:
    volume = make_volume()
    result = write_segmentation("lesions", LESIONS, volume, some_labels((6, 10, 12)), SEGMENTS, analysis)
    (series,) = result.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == volume.instances[0].header.SeriesInstanceUID
    assert [item.ReferencedSOPInstanceUID for item in series.ReferencedInstanceSequence] == [
        instance.sop_instance_uid for instance in volume.instances
    ]
    assert result.FrameOfReferenceUID == volume.frame_of_reference_uid


def test_segments_are_described(tmp_path: Path, analysis: Analysis) -> None:
    result = write_segmentation("lesions", LESIONS, make_volume(), some_labels((6, 10, 12)), SEGMENTS, analysis)
    read = highdicom.seg.segread(save(result, tmp_path))
    assert read.number_of_segments == 3
    left, _, right = read.SegmentSequence
    assert left.AnatomicRegionSequence[0].AnatomicRegionModifierSequence[0].CodeMeaning == "Left"
    assert "AnatomicRegionSequence" not in right
    side = right.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence[0]
    assert side.CodeMeaning == "Right"
    assert left.TrackingID == "Left"
    assert left.TrackingUID == analysis.uid("tracking/Left")
    for description, expected in zip(read.SegmentSequence, SEGMENTS, strict=True):
        colour = highdicom.color.CIELabColor.from_dicom_value(list(description.RecommendedDisplayCIELabValue))
        assert expected.colour is not None
        np.testing.assert_allclose(colour.to_rgb(), expected.colour, atol=1)


@pytest.mark.parametrize("segments", [SEGMENTS[:1], SEGMENTS])
@pytest.mark.parametrize("orientation", ["axial", "sagittal"])
def test_an_empty_mask_is_a_legal_object(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None], segments: list[Segment], orientation: str
) -> None:
    volume = make_volume(orientation)
    result = write_segmentation("lesions", LESIONS, volume, np.zeros((6, 10, 12), np.uint8), segments, analysis)
    path = save(result, tmp_path)
    validate(path)
    read = highdicom.seg.segread(path)
    assert read.number_of_segments == len(segments)
    assert read.NumberOfFrames == 6
    assert not read.pixel_array.any()


@pytest.mark.parametrize(("orientation", "reversed_order"), SOURCES)
def test_the_object_is_valid(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None], orientation: str, reversed_order: bool
) -> None:
    volume = make_volume(orientation, reversed_order=reversed_order)
    validate(
        save(write_segmentation("lesions", LESIONS, volume, some_labels((6, 10, 12)), SEGMENTS, analysis), tmp_path)
    )


def test_one_voxel_is_kept(tmp_path: Path, analysis: Analysis) -> None:
    labels = np.zeros((6, 10, 12), np.uint8)
    labels[4, 9, 11] = 1
    read = dcmread(
        save(write_segmentation("lesions", LESIONS, make_volume(), labels, SEGMENTS[:1], analysis), tmp_path)
    )
    assert read.NumberOfFrames == 1
    assert read.pixel_array.sum() == 1


def test_the_callers_array_is_left_alone(analysis: Analysis) -> None:
    labels = some_labels((6, 10, 12))
    before = labels.copy()
    labels.flags.writeable = False
    write_segmentation("lesions", LESIONS, make_volume(), labels, SEGMENTS, analysis)
    np.testing.assert_array_equal(labels, before)


def test_what_cannot_be_right_is_an_error(analysis: Analysis) -> None:
    volume = make_volume()
    labels = some_labels((6, 10, 12))

    def write(volume: Volume = volume, labels: NDArray[Any] = labels, segments: list[Segment] = SEGMENTS) -> None:
        write_segmentation("lesions", LESIONS, volume, labels, segments, analysis)

    with pytest.raises(ValueError, match="uint8"):
        write(labels=labels.astype(np.int16))
    with pytest.raises(ValueError, match="numbered 1 to n"):
        write(segments=[segment(1, "a"), segment(3, "c")])
    with pytest.raises(ValueError, match="only 1 segments"):
        write(segments=SEGMENTS[:1])
    with pytest.raises(ValueError, match="tracking"):
        write(segments=[segment(1, "a"), segment(2, "a"), segment(3, "c")])
    with pytest.raises(ValueError, match="not on 6 slices"):
        write(labels=labels.transpose(0, 2, 1))


def test_an_affine_that_disagrees_with_the_sources_is_an_error(analysis: Analysis) -> None:
    labels = some_labels((6, 10, 12))
    volume = make_volume()
    backwards = Volume(volume.array, volume.affine, volume.frame_of_reference_uid, volume.slices[::-1])
    with pytest.raises(ValueError, match="where the source instances are"):
        write_segmentation("lesions", LESIONS, backwards, labels, SEGMENTS, analysis)
    swapped = volume.affine.copy()
    swapped[:3, 0], swapped[:3, 1] = volume.affine[:3, 0] * 0.98 / 1.1, volume.affine[:3, 1] * 1.1 / 0.98
    squeezed = Volume(volume.array, swapped, volume.frame_of_reference_uid, volume.slices)
    with pytest.raises(ValueError, match="pixel spacing"):
        write_segmentation("lesions", LESIONS, squeezed, labels, SEGMENTS, analysis)
