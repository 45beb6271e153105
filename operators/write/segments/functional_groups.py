"""The Per-Frame Functional Groups of a Segmentation (PS3.3 table A.51-2), encoded.

Frames differ in little: the groups of a slice are made once, and those of a frame put around its two or three numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.read.geometry.slices import Slice
from operators.write.base.codes import code_item
from operators.write.segments.encoding import element, encoded, item, sequence

# PS3.16 CID 7203. pydicom's codes.DCM.Segmentation is the modality (SEG, DCM), not the derivation.
SEGMENTATION = Code("113076", "DCM", "Segmentation")

DIMENSIONS = (
    ("ReferencedSegmentNumber", "SegmentIdentificationSequence", "Segment"),
    ("ImagePositionPatient", "PlanePositionSequence", "Slice"),
)
"""The dimensions of frames by segment: attribute, functional group, label. A label map has the second one alone."""


def frame_groups(slices: Sequence[Slice], frames: Iterable[tuple[int | None, int]]) -> bytes:
    """Return the items of the Per-Frame Functional Groups Sequence.

    ``frames`` are Segment Number and slice, from 0; a frame of a label map has no segment.
    """
    derivations: dict[int, bytes] = {}
    positions: dict[int, bytes] = {}
    derive = _Derivation()
    items = []
    for number, index in frames:
        if index not in positions:
            derivations[index] = derive(slices[index])
            positions[index] = _plane_position(slices[index])
        # In the order of their tags: (0008,9124), (0020,9111), (0020,9113), (0062,000A).
        items.append(
            item(derivations[index], _frame_content(number, index), positions[index], _segment_identification(number))
        )
    return b"".join(items)


def _plane_position(source: Slice) -> bytes:
    """Return the Plane Position (C.7.6.16.2.3) in the source's own text."""
    text = "\\".join(str(value) for value in source.header.ImagePositionPatient)
    return sequence("PlanePositionSequence", item(element("ImagePositionPatient", "DS", text.encode("ascii"))))


class _Derivation:
    """The Derivation Image (C.7.6.16.2.6) of a slice: what is the same for all is encoded once."""

    def __init__(self) -> None:
        self.purpose = sequence(
            "PurposeOfReferenceCodeSequence",
            item(encoded(code_item(codes.DCM.SourceImageForImageProcessingOperation))),
        )
        self.derivation = sequence("DerivationCodeSequence", item(encoded(code_item(SEGMENTATION))))

    def __call__(self, source: Slice) -> bytes:
        header = source.header
        frame = element("ReferencedFrameNumber", "IS", b"%d" % (source.frame + 1)) if source.is_frame else b""
        # A tile of a mosaic lies elsewhere than the image that holds it.
        preserved = b"YES" if source.tile is None else b"NO"
        image = item(
            element("ReferencedSOPClassUID", "UI", header.SOPClassUID.encode("ascii")),
            element("ReferencedSOPInstanceUID", "UI", header.SOPInstanceUID.encode("ascii")),
            frame,
            element("SpatialLocationsPreserved", "CS", preserved),
            self.purpose,
        )
        return sequence("DerivationImageSequence", item(sequence("SourceImageSequence", image), self.derivation))


def _frame_content(number: int | None, index: int) -> bytes:
    """Return the Frame Content (C.7.6.16.2.2): the frame's place in the dimensions, from 1."""
    place = struct.pack("<I", index + 1) if number is None else struct.pack("<II", number, index + 1)
    return sequence("FrameContentSequence", item(element("DimensionIndexValues", "UL", place)))


def _segment_identification(number: int | None) -> bytes:
    """Return the Segment Identification (C.8.20.3.1); a label map has none."""
    if number is None:
        return b""
    value = element("ReferencedSegmentNumber", "US", struct.pack("<H", number))
    return sequence("SegmentIdentificationSequence", item(value))
