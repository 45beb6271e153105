"""What each segment is: the items of the Segment Sequence (PS3.3 tables C.8.20-4 and 10-8)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

from highdicom.color import CIELabColor
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.sr.coding import Code

from operators.provenance import Analysis
from operators.write.base.codes import code_sequence
from operators.write.base.equipment import algorithm_identification, algorithm_name
from operators.write.base.texts import require_text
from operators.write.segment import Segment
from operators.write.segments.colours import colours_of
from operators.write.segments.form import SegmentationForm
from operators.write.segments.occurrences import LARGEST_NUMBER

NOTHING_FOUND = "Nothing found"
"""Segment Description (0062,0006) of a segment that has no voxel."""

_SPATIAL_CONCEPT = Code("309825002", "SCT", "Spatial and Relational Concept")
_BACKGROUND = Code("125040", "DCM", "Background")


def check_segments(segments: Sequence[Segment], form: SegmentationForm) -> None:
    """Raise :class:`ValueError` for segments that cannot be described or told apart.

    They are numbered 1 to n in order; those of a label map have any ascending numbers (PS3.3 C.8.20.2). Labels are
    there and fit their value representation; tracking identifiers differ.
    """
    numbers = [segment.number for segment in segments]
    if not segments:
        raise ValueError("no segment is described")
    if len(segments) > LARGEST_NUMBER or max(numbers) > LARGEST_NUMBER:
        raise ValueError(f"{len(segments)} segments up to number {max(numbers)}: {LARGEST_NUMBER} are possible")
    if form.type == "labelmap":
        if numbers[0] < 1 or any(one >= after for one, after in pairwise(numbers)):
            raise ValueError(f"segments must have ascending numbers from 1: {_shortened(numbers)}")
    elif numbers != list(range(1, len(segments) + 1)):
        raise ValueError(f"segments must be numbered 1 to n: {_shortened(numbers)}")
    if len({segment.tracking_identifier for segment in segments}) != len(segments):
        raise ValueError("segments must have different tracking identifiers")
    for segment in segments:
        require_text(f"the label of segment {segment.number}", segment.label, "LO")
        require_text(f"the tracking identifier of segment {segment.number}", segment.tracking_identifier, "UT")
        if segment.colour is not None and not all(0 <= part <= 255 for part in segment.colour):
            raise ValueError(f"the colour of segment {segment.number} is {segment.colour}, not sRGB from 0 to 255")


def segment_items(
    segments: Sequence[Segment], absent: Collection[int], form: SegmentationForm, analysis: Analysis
) -> DicomSequence:
    """Return the Segment Sequence; the numbers in ``absent`` are of segments without a voxel.

    A label map describes its background, too, as every value of its pixels has to be described (C.8.20.2.3):
    in the last item, as OHIF 3.12 gives the n-th item's colour to segment n.
    """
    items = []
    algorithm = algorithm_identification(analysis)
    for segment, colour in zip(segments, colours_of(segments), strict=True):
        item = _segment_item(segment, colour, algorithm, analysis)
        if segment.number in absent:
            item.SegmentDescription = NOTHING_FOUND
        items.append(item)
    if form.type == "labelmap":
        items.append(_background())
    return DicomSequence(items)


def _segment_item(segment: Segment, colour: tuple[int, int, int], algorithm: Dataset, analysis: Analysis) -> Dataset:
    item = Dataset()
    item.SegmentNumber = segment.number
    item.SegmentLabel = segment.label
    item.SegmentAlgorithmType = "AUTOMATIC"
    item.SegmentAlgorithmName = algorithm_name(analysis.algorithm)
    item.SegmentationAlgorithmIdentificationSequence = DicomSequence([algorithm])
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
    item.RecommendedDisplayCIELabValue = list(CIELabColor.from_rgb(*colour).value)
    item.TrackingID = segment.tracking_identifier
    item.TrackingUID = analysis.uid(f"tracking/{segment.tracking_identifier}")
    return item


def _background() -> Dataset:
    """Return segment 0 of a label map; readers know it by Pixel Padding Value (0028,0120), people by its code."""
    item = Dataset()
    item.SegmentNumber = 0
    item.SegmentLabel = "Background"
    # An algorithm that finds structures says nothing of the background: no algorithm's name is required then.
    item.SegmentAlgorithmType = "MANUAL"
    item.SegmentedPropertyCategoryCodeSequence = code_sequence(_SPATIAL_CONCEPT)
    item.SegmentedPropertyTypeCodeSequence = code_sequence(_BACKGROUND)
    item.RecommendedDisplayCIELabValue = list(CIELabColor(0.0, 0.0, 0.0).value)
    return item


def _shortened(numbers: list[int]) -> str:
    return f"{numbers[:5]}" if len(numbers) <= 5 else f"{numbers[:5]} and {len(numbers) - 5} more"
