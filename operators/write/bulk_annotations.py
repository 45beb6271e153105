"""Thousands of points and outlines on a slide → Microscopy Bulk Simple Annotations (PS3.3 A.87)."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.dataset import FileDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import MicroscopyBulkSimpleAnnotationsStorage

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.read.study import Instance
from operators.write.annotations.groups import AnnotationGroup, check_group, group_item
from operators.write.base.body_part import write_body_part
from operators.write.base.content_identification import write_content_identification
from operators.write.base.identity import copy_attributes
from operators.write.base.references import referenced_instance, referenced_series
from operators.write.base.result import finish, new_result


def write_bulk_annotations(
    output_name: str, output: OutputPart, image: Instance, groups: Sequence[AnnotationGroup], analysis: Analysis
) -> FileDataset:
    """Return the annotations of a whole slide image, ``image`` (the level of its pyramid that they were found on).

    All ``groups`` have points of 2 dimensions, in the image's total pixel matrix, or all of 3, in its frame of
    reference; see :class:`AnnotationGroup`.

    Raises :class:`ValueError` for an image without what the points lie in, no groups, groups of other dimensions or
    with one label, points outside the total pixel matrix, and whatever :func:`check_group` finds.
    """
    header = image.header
    dimensions = _check(image, groups)
    result = new_result(MicroscopyBulkSimpleAnnotationsStorage, "ANN", output_name, output, header, analysis)
    write_body_part(header, result)
    write_content_identification(result, output_name, output, analysis)
    if dimensions == 2:
        result.AnnotationCoordinateType = "2D"
        result.PixelOriginInterpretation = "VOLUME"
    else:
        result.AnnotationCoordinateType = "3D"
        result.FrameOfReferenceUID = header.FrameOfReferenceUID
        result.PositionReferenceIndicator = None
        copy_attributes(header, result, ("PositionReferenceIndicator",))
    result.ReferencedImageSequence = DicomSequence([referenced_instance(header.SOPClassUID, header.SOPInstanceUID)])
    result.ReferencedSeriesSequence = referenced_series([header], "ReferencedInstanceSequence")
    result.AnnotationGroupSequence = DicomSequence(
        group_item(group, number, analysis.uid(f"{output_name}/group {number}"), analysis)
        for number, group in enumerate(groups, 1)
    )
    return finish(result)


def _check(image: Instance, groups: Sequence[AnnotationGroup]) -> int:
    """Return the dimensions of the points."""
    if not groups:
        raise ValueError("there is no group of annotations")
    dimensions = groups[0].points.shape[-1] if groups[0].points.ndim else 0
    if dimensions not in (2, 3):
        raise ValueError(f"points have 2 or 3 coordinates, not {dimensions}")
    for group in groups:
        check_group(group, dimensions)
    labels = [group.label for group in groups]
    if len(set(labels)) != len(labels):
        raise ValueError(f"groups must have different labels: {labels}")
    header = image.header
    if dimensions == 3:
        if not header.get("FrameOfReferenceUID"):
            raise ValueError(f"{image.name} has no frame of reference in which points could lie")
        return dimensions
    size = (header.get("TotalPixelMatrixColumns"), header.get("TotalPixelMatrixRows"))
    if None in size:
        raise ValueError(f"{image.name} has no total pixel matrix: it is no whole slide image")
    for group in groups:
        if (group.points < 0).any() or (group.points > size).any():
            raise ValueError(f"{group.label}: a point lies outside the {size[0]} x {size[1]} pixels of the slide")
    return dimensions
