"""Masks → RT Structure Set (PS3.3 A.19): contours on the source slices, for viewers that read nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from highdicom.color import CIELabColor
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import RTStructureSetStorage

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.read.volume import Volume
from operators.write.base.codes import code_sequence
from operators.write.base.element_bytes import attach_sequences, encoded, item, sequence
from operators.write.base.equipment import algorithm_identification
from operators.write.base.identity import copy_attributes
from operators.write.base.planes import check_on_source
from operators.write.base.references import referenced_instance, referenced_series
from operators.write.base.result import finish, new_result
from operators.write.base.texts import require_text
from operators.write.contours.contour_items import contour_items
from operators.write.contours.polygons import InnerContours, polygons_of
from operators.write.segment import Segment
from operators.write.segments.colours import colours_of
from operators.write.segments.descriptions import check_segments
from operators.write.segments.form import SegmentationForm
from operators.write.segments.masks import Labels, masks_of, shape_of
from operators.write.segments.occurrences import occurrences_of

# What the RT Referenced Study Sequence has to name, although retired (PS3.3 table C.8-41).
_DETACHED_STUDY_MANAGEMENT = "1.2.840.10008.3.1.2.3.1"

_RULE = "Contours run along voxel borders"
_EVERY_ROW = slice(None)

# Any ascending numbers, and masks that may overlap.
_STRUCTURES = SegmentationForm(type="labelmap")


def write_rt_structure_set(
    output_name: str,
    output: OutputPart,
    volume: Volume,
    labels: Labels,
    structures: Sequence[Segment],
    analysis: Analysis,
    *,
    inner_contours: InnerContours = "keyhole",
    interpreted_types: Mapping[int, str] | None = None,
) -> FileDataset:
    """Return an RT Structure Set of ``labels``, which lie on the grid of ``volume``, (slice, row, column).

    ``labels`` is a label map of unsigned integers or one mask of booleans for each structure, which may overlap
    (:func:`operators.write.segments.masks.masks_of`). ``structures`` have ascending numbers, which become the ROI
    Numbers. ``interpreted_types`` gives the RT ROI Interpreted Type of a number (PS3.3 C.8.8.8.1: ORGAN, GTV ...).

    The rule: contours run along the borders of voxels, never through their centres. A voxel belongs to a structure if
    its centre lies within a contour; areas and volumes are those of the mask. Regions that touch at an edge or corner
    of voxels only are contours of their own. A structure with holes is one contour with channels of no width
    (``keyhole``, PS3.3 C.8.8.6.3), or as many as it has lines, to be combined by exclusive or (``xor``, newer and known
    to few viewers); islands in holes are contours like others. A structure that occurs nowhere has no contour.

    Raises :class:`ValueError` for structures that :func:`check_segments` rejects, labels that no structure describes or
    that do not lie on the source slices, and an interpreted type that is no code string or has no structure.
    """
    check_segments(structures, _STRUCTURES)
    numbers = tuple(structure.number for structure in structures)
    types = dict(interpreted_types or {})
    for number, interpreted_type in types.items():
        require_text(f"the interpreted type of structure {number}", interpreted_type, "CS")
    if unknown := sorted(set(types) - set(numbers)):
        raise ValueError(f"there are interpreted types of structures that are not described: {unknown}")
    masks = masks_of(labels, numbers, _STRUCTURES)
    check_on_source(volume, shape_of(masks))
    contours: dict[int, list[bytes]] = {number: [] for number in numbers}
    for found in occurrences_of(masks):
        polygons = polygons_of(np.asarray(masks.plane(found.segment, found.slice_index, _EVERY_ROW)), inner_contours)
        items = contours[numbers[found.segment]]
        items += contour_items(volume.slices[found.slice_index], polygons, inner_contours, len(items) + 1)

    source = volume.instances[0].header
    result = new_result(RTStructureSetStorage, "RTSTRUCT", output_name, output, source, analysis)
    _write_structure_set(result, output_name, output, volume)
    algorithm = algorithm_identification(analysis)
    result.StructureSetROISequence = DicomSequence(
        [_structure(structure, volume.frame_of_reference_uid, algorithm) for structure in structures]
    )
    result.RTROIObservationsSequence = DicomSequence(
        [_observation(structure, types.get(structure.number)) for structure in structures]
    )
    finish(result)
    colours = colours_of(structures)
    rois = [_contours(number, colour, contours[number]) for number, colour in zip(numbers, colours, strict=True)]
    attach_sequences(result, {"ROIContourSequence": b"".join(rois)})
    return result


def _write_structure_set(result: Dataset, output_name: str, output: OutputPart, volume: Volume) -> None:
    """Write RT Series, Structure Set and Approval (PS3.3 C.8.8.1, C.8.8.5 and C.8.8.16), and what was contoured."""
    result.OperatorsName = None
    result.FrameOfReferenceUID = volume.frame_of_reference_uid
    result.PositionReferenceIndicator = None
    source = volume.instances[0].header
    copy_attributes(source, result, ("PositionReferenceIndicator",))
    result.StructureSetLabel = output_name[:16]
    result.StructureSetName = output.title
    result.StructureSetDate, result.StructureSetTime = result.ContentDate, result.ContentTime
    del result.ContentDate, result.ContentTime
    result.ApprovalStatus = "UNAPPROVED"
    series = referenced_series((instance.header for instance in volume.instances), "ContourImageSequence")
    study = referenced_instance(_DETACHED_STUDY_MANAGEMENT, source.StudyInstanceUID)
    study.RTReferencedSeriesSequence = series
    frame = Dataset()
    frame.FrameOfReferenceUID = volume.frame_of_reference_uid
    frame.RTReferencedStudySequence = DicomSequence([study])
    result.ReferencedFrameOfReferenceSequence = DicomSequence([frame])


def _structure(structure: Segment, frame_of_reference_uid: str, algorithm: Dataset) -> Dataset:
    """Return an item of the Structure Set ROI Sequence (3006,0020)."""
    made = Dataset()
    made.ROINumber = structure.number
    made.ReferencedFrameOfReferenceUID = frame_of_reference_uid
    made.ROIName = structure.label
    made.ROIGenerationAlgorithm = "AUTOMATIC"
    made.ROIGenerationDescription = _RULE
    made.ROIDerivationAlgorithmIdentificationSequence = DicomSequence([algorithm])
    return made


def _observation(structure: Segment, interpreted_type: str | None) -> Dataset:
    """Return an item of the RT ROI Observations Sequence (3006,0080): what the structure is."""
    made = Dataset()
    made.ObservationNumber = structure.number
    made.ReferencedROINumber = structure.number
    made.RTROIInterpretedType = interpreted_type
    made.ROIInterpreter = None
    made.SegmentedPropertyCategoryCodeSequence = code_sequence(structure.category)
    made.RTROIIdentificationCodeSequence = code_sequence(structure.type)
    side = code_sequence(structure.laterality) if structure.laterality is not None else None
    if structure.anatomic_region is not None:
        made.AnatomicRegionSequence = code_sequence(structure.anatomic_region)
        if side is not None:
            made.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = side
    elif side is not None:
        made.RTROIIdentificationCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = side
    return made


def _contours(number: int, colour: tuple[int, int, int], contours: Sequence[bytes]) -> bytes:
    """Return an item of the ROI Contour Sequence (3006,0039), encoded."""
    display = Dataset()
    display.ROIDisplayColor = list(colour)
    reference = Dataset()
    reference.RecommendedDisplayCIELabValue = list(CIELabColor.from_rgb(*colour).value)
    lines = Dataset()
    lines.ReferencedROINumber = number
    parts = [encoded(reference), encoded(display)]
    if contours:
        parts.append(sequence("ContourSequence", *contours))
    return item(*parts, encoded(lines))
