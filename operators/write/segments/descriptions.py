"""What each segment is: the items of the Segment Sequence (PS3.3 tables C.8.20-4 and 10-8)."""

from __future__ import annotations

import struct
from collections.abc import Collection, Sequence
from itertools import pairwise

from highdicom.color import CIELabColor
from pydicom.charset import encode_string
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.sr.coding import Code

from operators.provenance import Analysis
from operators.write.base.codes import code_item, code_sequence
from operators.write.base.element_bytes import element, encoded, item, sequence
from operators.write.base.equipment import algorithm_identification, algorithm_name
from operators.write.base.texts import require_text
from operators.write.segment import Segment
from operators.write.segments.colours import Colour, colours_of
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


def texts_and_codes(segments: Sequence[Segment], form: SegmentationForm, analysis: Analysis) -> DicomSequence:
    """Return items that hold every text and code of the Segment Sequence, for whoever settles the character set."""
    # By all that they say: codes compare equal whatever they mean.
    codes = {tuple(code): code for segment in segments for code in _codes(segment)}
    background = (_SPATIAL_CONCEPT, _BACKGROUND) if form.type == "labelmap" else ()
    common = Dataset()
    common.SegmentationAlgorithmIdentificationSequence = DicomSequence([algorithm_identification(analysis)])
    common.SegmentedPropertyTypeCodeSequence = code_sequence(*codes.values(), *background)
    items = [common]
    for segment in segments:
        own = Dataset()
        own.SegmentLabel, own.TrackingID = segment.label, segment.tracking_identifier
        items.append(own)
    return DicomSequence(items)


def segment_items(
    segments: Sequence[Segment],
    absent: Collection[int],
    form: SegmentationForm,
    analysis: Analysis,
    encodings: list[str],
) -> bytes:
    """Return the items of the Segment Sequence, texts in these encodings (Python's names).

    The numbers in ``absent`` are of segments without a voxel. A label map describes its background, too, as every
    value of its pixels has to be described (C.8.20.2.3): in the last item, as OHIF 3.12 gives the n-th item's colour to
    segment n.
    """
    encoder = _SegmentEncoder(analysis, encodings)
    items = [
        encoder.segment(segment, colour, is_absent=segment.number in absent)
        for segment, colour in zip(segments, colours_of(segments), strict=True)
    ]
    if form.type == "labelmap":
        items.append(encoder.background())
    return b"".join(items)


class _SegmentEncoder:
    """Items of the Segment Sequence, their elements in the order of the tags; what many share is encoded once."""

    def __init__(self, analysis: Analysis, encodings: list[str]) -> None:
        self.analysis, self.encodings = analysis, encodings
        name = algorithm_name(analysis.algorithm)
        self.algorithm = (
            sequence(
                "SegmentationAlgorithmIdentificationSequence",
                item(encoded(algorithm_identification(analysis), encodings)),
            )
            + element("SegmentAlgorithmType", "CS", b"AUTOMATIC")
            + element("SegmentAlgorithmName", "LO", self.text(name))
        )
        self.known: dict[tuple[object, ...], bytes] = {}

    def text(self, text: str) -> bytes:
        return encode_string(text, self.encodings)

    def codes(self, keyword: str, code: Code, modifier_keyword: str = "", modifier: Code | None = None) -> bytes:
        key = tuple(code) if modifier is None else (*code, modifier_keyword, *modifier)
        if key not in self.known:
            concept = code_item(code)
            if modifier is not None:
                setattr(concept, modifier_keyword, code_sequence(modifier))
            self.known[key] = item(encoded(concept, self.encodings))
        return sequence(keyword, self.known[key])

    def segment(self, segment: Segment, colour: Colour, *, is_absent: bool) -> bytes:
        region = b""
        # Without a region the side belongs to the structure itself.
        type_modifier = segment.laterality if segment.anatomic_region is None else None
        if segment.anatomic_region is not None:
            region = self.codes(
                "AnatomicRegionSequence", segment.anatomic_region, "AnatomicRegionModifierSequence", segment.laterality
            )
        identifier = segment.tracking_identifier
        return item(
            region,
            self.codes("SegmentedPropertyCategoryCodeSequence", segment.category),
            element("SegmentNumber", "US", struct.pack("<H", segment.number)),
            element("SegmentLabel", "LO", self.text(segment.label)),
            element("SegmentDescription", "ST", NOTHING_FOUND.encode("ascii")) if is_absent else b"",
            self.algorithm,
            _colour_element(CIELabColor.from_rgb(*colour)),
            self.codes(
                "SegmentedPropertyTypeCodeSequence",
                segment.type,
                "SegmentedPropertyTypeModifierCodeSequence",
                type_modifier,
            ),
            element("TrackingID", "UT", self.text(identifier)),
            element("TrackingUID", "UI", self.analysis.uid(f"tracking/{identifier}").encode("ascii")),
        )

    def background(self) -> bytes:
        """Return segment 0 of a label map; readers know it by Pixel Padding Value (0028,0120), people by its code."""
        return item(
            self.codes("SegmentedPropertyCategoryCodeSequence", _SPATIAL_CONCEPT),
            element("SegmentNumber", "US", struct.pack("<H", 0)),
            element("SegmentLabel", "LO", b"Background"),
            # An algorithm that finds structures says nothing of the background: no algorithm's name is required then.
            element("SegmentAlgorithmType", "CS", b"MANUAL"),
            _colour_element(CIELabColor(0.0, 0.0, 0.0)),
            self.codes("SegmentedPropertyTypeCodeSequence", _BACKGROUND),
        )


def _colour_element(colour: CIELabColor) -> bytes:
    return element("RecommendedDisplayCIELabValue", "US", struct.pack("<3H", *colour.value))


def _codes(segment: Segment) -> list[Code]:
    optional = [code for code in (segment.anatomic_region, segment.laterality) if code is not None]
    return [segment.category, segment.type, *optional]


def _shortened(numbers: list[int]) -> str:
    return f"{numbers[:5]}" if len(numbers) <= 5 else f"{numbers[:5]} and {len(numbers) - 5} more"
