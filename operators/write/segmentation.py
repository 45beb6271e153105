"""Masks → Segmentation object (PS3.3 A.51) on the source slices: bits, fractions or a label map."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence as DicomSequence

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.read.frames import Frames
from operators.read.volume import Volume
from operators.write.base.content_identification import write_content_identification
from operators.write.base.element_bytes import attach_sequences, encodings_of
from operators.write.base.identity import copy_attributes
from operators.write.base.planes import check_on_source, picture_groups, source_groups, write_dimensions
from operators.write.base.references import referenced_series
from operators.write.base.result import copy_series_context, finish, new_result
from operators.write.segment import Segment
from operators.write.segments.descriptions import NOTHING_FOUND, check_segments, segment_items, texts_and_codes
from operators.write.segments.form import SegmentationForm
from operators.write.segments.frames import frames_of
from operators.write.segments.functional_groups import DIMENSIONS, PICTURE_DIMENSIONS, frame_groups
from operators.write.segments.masks import Labels, masks_of, shape_of
from operators.write.segments.occurrences import do_overlap, occurrences_of
from operators.write.segments.pixels import check_size, write_pixel_data, write_pixel_format

_LONGEST_DESCRIPTION = 64


def write_segmentation(
    output_name: str,
    output: OutputPart,
    source: Volume | Frames,
    labels: Labels,
    segments: Sequence[Segment],
    analysis: Analysis,
    *,
    form: SegmentationForm | None = None,
) -> FileDataset:
    """Return a Segmentation of ``labels``, which lie on the grid of ``source``: (slice or frame, row, column).

    ``labels`` is a label map of unsigned integers, one mask of booleans or of fractions from 0 to 1, or such a mask for
    each segment (:func:`operators.write.segments.masks.masks_of`); masks may overlap, except in a label map. ``form``
    is how it is stored, by default as the manifest's ``output`` says.

    Each frame is one segment on one source slice, or all segments of a slice in a label map, with that slice's own
    position and orientation text and a reference to it. Frames without a voxel are left out unless ``form`` keeps
    them. A segment that occurs nowhere is described as "Nothing found". As an object must have frames, a result that
    is empty altogether has an empty one on every slice, and its Content Description says "nothing found".

    ``segments`` are numbered 1 to n in order (PS3.3 C.8.20.2), or ascending in a label map. Raises
    :class:`ValueError` if they are not or lack a label or code, if ``labels`` holds a value that no segment describes
    or does not lie on the source slices, if masks overlap in a label map, or if the object would be too large.
    """
    form = form or output.form
    check_segments(segments, form)
    numbers = tuple(segment.number for segment in segments)
    masks = masks_of(labels, numbers, form)
    check_on_source(source, shape_of(masks))
    occurrences = occurrences_of(masks)
    overlap = do_overlap(masks, occurrences)
    if overlap and form.type == "labelmap":
        raise ValueError("the masks overlap, but each voxel of a label map has one segment")
    frames = frames_of(occurrences, form, len(segments), len(source.slices))
    check_size(form, len(frames), shape_of(masks), numbers[-1])

    header = source.slices[0].instance.header
    result = new_result(form.sop_class_uid, "SEG", output_name, output, header, analysis)
    copy_series_context(header, result)
    _write_image(result, output_name, output, source, analysis)
    write_pixel_format(result, form, numbers[-1])
    result.SegmentsOverlap = "YES" if overlap else "NO"
    if not occurrences:
        said = f"{output.title}: {NOTHING_FOUND.lower()}"
        result.ContentDescription = said if len(said) <= _LONGEST_DESCRIPTION else NOTHING_FOUND
    present = {numbers[item.segment] for item in occurrences}
    result.SegmentSequence = texts_and_codes(segments, form, analysis)
    result.NumberOfFrames = len(frames)
    dimensions = DIMENSIONS if isinstance(source, Volume) else PICTURE_DIMENSIONS
    write_dimensions(
        result, analysis.uid(f"{output_name}/dimensions"), dimensions if form.is_by_segment else dimensions[1:]
    )
    shared = source_groups(source) if isinstance(source, Volume) else picture_groups(source)
    result.SharedFunctionalGroupsSequence = DicomSequence([shared])
    finish(result)
    write_pixel_data(result, form, masks, frames, numbers)
    planes = ((numbers[item.segment], item.slice_index) for item in frames)
    groups = frame_groups(source.slices, planes, by_segment=form.is_by_segment)
    described = segment_items(segments, set(numbers) - present, form, analysis, encodings_of(result))
    attach_sequences(result, {"SegmentSequence": described, "PerFrameFunctionalGroupsSequence": groups})
    return result


def _write_image(
    result: Dataset, output_name: str, output: OutputPart, source: Volume | Frames, analysis: Analysis
) -> None:
    """Write what does not depend on the masks: frame of reference, image, content identification, references."""
    header = source.slices[0].header
    if isinstance(source, Volume):
        result.FrameOfReferenceUID = source.frame_of_reference_uid
        result.PositionReferenceIndicator = None
        copy_attributes(header, result, ("PositionReferenceIndicator",))
    else:
        # Type 2C without a plane in the patient (PS3.3 C.7.6.1).
        result.PatientOrientation = None
        copy_attributes(header, result, ("PatientOrientation",))
    result.ImageType = ["DERIVED", "PRIMARY"]
    result.BurnedInAnnotation = "NO"
    write_content_identification(result, output_name, output, analysis)
    result.Rows, result.Columns = header.Rows, header.Columns
    instances = {id(item.instance): item.instance for item in source.slices}.values()
    result.ReferencedSeriesSequence = referenced_series(
        (instance.header for instance in instances), "ReferencedInstanceSequence"
    )
