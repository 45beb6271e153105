"""Label map → Segmentation object (PS3.3 A.51), one bit a voxel, on the source slices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from highdicom.color import CIELabColor
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.sr.coding import Code
from pydicom.tag import Tag
from pydicom.uid import UID, SegmentationStorage

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.read.attributes import MalformedAttributeError, numbers
from operators.read.geometry.slices import Slice
from operators.read.volume import Volume
from operators.write.base.codes import code_sequence
from operators.write.base.equipment import algorithm_identification, algorithm_name
from operators.write.base.identity import copy_attributes
from operators.write.base.references import referenced_series, source_image
from operators.write.base.result import copy_series_context, finish, new_result
from operators.write.segment import Segment

# PS3.16 CID 7203. pydicom's codes.DCM.Segmentation is the modality (SEG, DCM), not the derivation.
_SEGMENTATION = Code("113076", "DCM", "Segmentation")


def write_segmentation(
    output_name: str,
    output: OutputPart,
    volume: Volume,
    labels: NDArray[np.uint8],
    segments: Sequence[Segment],
    analysis: Analysis,
) -> FileDataset:
    """Return a binary Segmentation of ``labels``, (slice, row, column) on the grid of ``volume``.

    Each frame is one segment on one source slice, with that slice's own position and orientation text and a reference
    to it; frames without a voxel are left out. A segment that occurs nowhere is described but has no frame. As an
    object must have frames, a label map that is empty altogether is written as the first segment, empty on every
    slice: "looked for, not found".

    ``segments`` are numbered 1 to n in order (PS3.3 C.8.20.2). Raises :class:`ValueError` if they are not, if
    ``labels`` holds a value that no segment describes, or if volume and source slices lie differently.
    """
    _check(volume, labels, segments)
    source = volume.instances[0].header
    result = new_result(SegmentationStorage, "SEG", output_name, output, source, analysis)
    copy_series_context(source, result)
    _write_image(result, output_name, output, volume, analysis)
    result.SegmentSequence = DicomSequence([_segment_item(segment, analysis) for segment in segments])
    finish(result)
    _write_frames(result, volume, labels, len(segments))
    return result


def _check(volume: Volume, labels: NDArray[np.uint8], segments: Sequence[Segment]) -> None:
    if volume.is_resampled:
        raise ValueError("the volume was resampled: its slices are not the source slices")
    if labels.dtype != np.uint8:
        raise ValueError(f"labels must be uint8, not {labels.dtype}")
    if [segment.number for segment in segments] != list(range(1, len(segments) + 1)) or not segments:
        raise ValueError(f"segments must be numbered 1 to n: {[segment.number for segment in segments]}")
    if len({segment.tracking_identifier for segment in segments}) != len(segments):
        raise ValueError("segments must have different tracking identifiers")
    if int(labels.max(initial=0)) > len(segments):
        raise ValueError(f"labels go up to {labels.max()}, but only {len(segments)} segments are described")
    header = volume.slices[0].header
    if labels.shape != (len(volume.slices), header.Rows, header.Columns):
        raise ValueError(
            f"labels {labels.shape} are not on {len(volume.slices)} slices of {header.Rows} x {header.Columns}"
        )
    _check_geometry(volume)


def _check_geometry(volume: Volume) -> None:
    """Raise if the affine and the source headers disagree: overlays would be shifted, flipped or squeezed."""
    header = volume.slices[0].header
    orientation = np.array(header.ImageOrientationPatient, dtype=float)
    row_spacing, column_spacing = (float(spacing) for spacing in header.PixelSpacing)
    in_plane = np.stack([orientation[:3] * column_spacing, orientation[3:] * row_spacing], axis=1)
    if not np.allclose(volume.affine[:3, :2], in_plane, atol=0.01 * min(row_spacing, column_spacing)):
        raise ValueError("the volume's affine does not have the source's orientation and pixel spacing")
    count = len(volume.slices)
    positions = np.array([item.header.ImagePositionPatient for item in volume.slices], dtype=float)
    expected = volume.affine[:3, 3] + np.arange(count)[:, np.newaxis] * volume.affine[:3, 2]
    tolerance = 0.25 * float(np.linalg.norm(volume.affine[:3, 2]))
    if np.abs(positions - expected).max() > tolerance:
        raise ValueError("the volume's affine does not put its slices where the source instances are")


def _write_image(result: Dataset, output_name: str, output: OutputPart, volume: Volume, analysis: Analysis) -> None:
    """Write the modules that hold for all frames: image, content identification, dimensions, shared groups."""
    source = volume.slices[0].header
    result.FrameOfReferenceUID = volume.frame_of_reference_uid
    result.PositionReferenceIndicator = None
    copy_attributes(source, result, ("PositionReferenceIndicator",))
    result.ImageType = ["DERIVED", "PRIMARY"]
    result.BurnedInAnnotation = "NO"
    result.ContentLabel = content_label(output_name)
    result.ContentDescription = output.title
    result.ContentCreatorName = f"{analysis.algorithm.manufacturer}^{algorithm_name(analysis.algorithm)}"
    result.SamplesPerPixel = 1
    result.PhotometricInterpretation = "MONOCHROME2"
    result.PixelRepresentation = 0
    result.BitsAllocated, result.BitsStored, result.HighBit = 1, 1, 0
    result.Rows, result.Columns = source.Rows, source.Columns
    result.SegmentationType = "BINARY"
    result.SegmentsOverlap = "NO"
    result.ReferencedSeriesSequence = referenced_series(
        (instance.header for instance in volume.instances), "ReferencedInstanceSequence"
    )
    _write_dimensions(result, UID(analysis.uid(f"{output_name}/dimensions")))
    result.SharedFunctionalGroupsSequence = DicomSequence([_shared_groups(volume)])


def content_label(output_name: str) -> str:
    """Return an output's name as a Content Label (0070,0080): capital letters, at most 16 characters."""
    return output_name.upper()[:16]


def _segment_item(segment: Segment, analysis: Analysis) -> Dataset:
    """Return one item of the Segment Sequence (PS3.3 tables C.8.20-4 and 10-8)."""
    item = Dataset()
    item.SegmentNumber = segment.number
    item.SegmentLabel = segment.label
    item.SegmentAlgorithmType = "AUTOMATIC"
    item.SegmentAlgorithmName = algorithm_name(analysis.algorithm)
    item.SegmentationAlgorithmIdentificationSequence = DicomSequence([algorithm_identification(analysis)])
    item.SegmentedPropertyCategoryCodeSequence = code_sequence(segment.category)
    item.SegmentedPropertyTypeCodeSequence = code_sequence(segment.type)
    if segment.anatomic_region is not None:
        item.AnatomicRegionSequence = code_sequence(segment.anatomic_region)
        if segment.laterality is not None:
            item.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = code_sequence(segment.laterality)
    elif segment.laterality is not None:
        # Without a region the side belongs to the structure itself.
        item.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = code_sequence(
            segment.laterality
        )
    item.RecommendedDisplayCIELabValue = list(CIELabColor.from_rgb(*segment.colour).value)
    item.TrackingID = segment.tracking_identifier
    item.TrackingUID = analysis.uid(f"tracking/{segment.tracking_identifier}")
    return item


def _write_dimensions(result: Dataset, organization_uid: UID) -> None:
    """Write the Multi-frame Dimension module (PS3.3 C.7.6.17): segment, then slice."""
    organization = Dataset()
    organization.DimensionOrganizationUID = organization_uid
    result.DimensionOrganizationSequence = DicomSequence([organization])
    indices = []
    for pointer, group, label in (
        ("ReferencedSegmentNumber", "SegmentIdentificationSequence", "Segment"),
        ("ImagePositionPatient", "PlanePositionSequence", "Slice"),
    ):
        index = Dataset()
        index.DimensionOrganizationUID = organization_uid
        index.DimensionIndexPointer = Tag(pointer)
        index.FunctionalGroupPointer = Tag(group)
        index.DimensionDescriptionLabel = label
        indices.append(index)
    result.DimensionIndexSequence = DicomSequence(indices)


def _shared_groups(volume: Volume) -> Dataset:
    source = volume.slices[0].header
    # Along the normal, also in a sheared stack, so that spacings multiply to the volume of a voxel.
    in_plane = np.cross(volume.affine[:3, 0], volume.affine[:3, 1])
    measures = Dataset()
    measures.SpacingBetweenSlices = f"{volume.voxel_volume / float(np.linalg.norm(in_plane)):.6g}"
    measures.SliceThickness = measures.SpacingBetweenSlices
    copy_attributes(source, measures, ("PixelSpacing", *(["SliceThickness"] if _has_thickness(source) else [])))
    orientation = Dataset()
    copy_attributes(source, orientation, ("ImageOrientationPatient",))
    groups = Dataset()
    groups.PixelMeasuresSequence = DicomSequence([measures])
    groups.PlaneOrientationSequence = DicomSequence([orientation])
    return groups


def _has_thickness(source: Dataset) -> bool:
    try:
        return any(thickness > 0 for thickness in numbers(source, "SliceThickness", count=1))
    # What an anonymiser left in place of the number: the spacing stands for it.
    except MalformedAttributeError:
        return False


def _write_frames(result: Dataset, volume: Volume, labels: NDArray[np.uint8], segment_count: int) -> None:
    """Write pixel data and per-frame functional groups: all slices of segment 1, then of segment 2, and so on."""
    present = np.array([np.bincount(plane.ravel(), minlength=256) > 0 for plane in labels])[:, 1 : segment_count + 1]
    if not present.any():
        present[:, 0] = True
    planes = [
        (segment + 1, int(index)) for segment in range(segment_count) for index in np.flatnonzero(present[:, segment])
    ]
    result.NumberOfFrames = len(planes)
    # The groups of a slice are the same for every segment: made once, as most of the time goes into them.
    slices = [_slice_groups(item) for item in volume.slices]
    result.PerFrameFunctionalGroupsSequence = DicomSequence(
        [_frame_groups(slices[index], segment, index) for segment, index in planes]
    )
    result.PixelData = _packed([labels[index] == segment for segment, index in planes])
    result["PixelData"].VR = "OB"


def _slice_groups(source: Slice) -> Dataset:
    """Return the functional groups that depend on the source slice (PS3.3 table A.51-2): position, derivation."""
    position = Dataset()
    copy_attributes(source.header, position, ("ImagePositionPatient",))
    image = source_image(source.header, frame=source.frame + 1 if source.is_frame else None)
    # A tile of a mosaic lies elsewhere than the image that holds it.
    image.SpatialLocationsPreserved = "YES" if source.tile is None else "NO"
    derivation = Dataset()
    derivation.SourceImageSequence = DicomSequence([image])
    derivation.DerivationCodeSequence = code_sequence(_SEGMENTATION)
    groups = Dataset()
    groups.PlanePositionSequence = DicomSequence([position])
    groups.DerivationImageSequence = DicomSequence([derivation])
    return groups


def _frame_groups(slice_groups: Dataset, segment: int, index: int) -> Dataset:
    """Return the functional groups of one frame: those of its slice, its place among the frames, its segment."""
    content = Dataset()
    content.DimensionIndexValues = [segment, index + 1]
    identification = Dataset()
    identification.ReferencedSegmentNumber = segment
    groups = Dataset()
    groups.update(slice_groups)
    groups.FrameContentSequence = DicomSequence([content])
    groups.SegmentIdentificationSequence = DicomSequence([identification])
    return groups


def _packed(frames: list[NDArray[np.bool_]]) -> bytes:
    """Return frames as one bit a pixel, first pixel in the lowest bit, no gap between frames (PS3.5 8.1.1)."""
    if frames[0].size % 8 == 0:
        pixels = b"".join(np.packbits(frame, bitorder="little").tobytes() for frame in frames)
    else:
        pixels = np.packbits(np.concatenate([frame.ravel() for frame in frames]), bitorder="little").tobytes()
    return pixels + b"\0" * (len(pixels) % 2)
