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
from operators.write.base.element_bytes import element, encoded, item, sequence

# PS3.16 CID 7203. pydicom's codes.DCM.Segmentation is the modality (SEG, DCM), not the derivation.
SEGMENTATION = Code("113076", "DCM", "Segmentation")

DIMENSIONS = (
    ("ReferencedSegmentNumber", "SegmentIdentificationSequence", "Segment"),
    ("ImagePositionPatient", "PlanePositionSequence", "Slice"),
)
"""The dimensions of frames by segment: attribute, functional group, label. A label map has the second one alone."""

PICTURE_DIMENSIONS = (DIMENSIONS[0], ("InStackPositionNumber", "FrameContentSequence", "Frame"))
"""The same for frames of pictures, which have no place in the patient, only one in their clip."""


def frame_groups(slices: Sequence[Slice], frames: Iterable[tuple[int, int]], *, by_segment: bool) -> bytes:
    """Return the items of the Per-Frame Functional Groups Sequence.

    ``frames`` are Segment Number and slice, from 0. Unless frames are ``by_segment``, as in a label map, they have no
    Segment Identification, and the slice is their only dimension.
    """
    template = _Template(by_segment)
    around: dict[int, tuple[bytes, bytes]] = {}
    parts: list[bytes] = []
    for number, index in frames:
        if index not in around:
            around[index] = template.around(slices[index], index)
        before, between = around[index]
        if by_segment:
            parts += (before, _TWO_PLACES.pack(number, index + 1), between, _NUMBER.pack(number))
        else:
            parts += (before, _ONE_PLACE.pack(index + 1), between)
    return b"".join(parts)


_ONE_PLACE = struct.Struct("<I")
_TWO_PLACES = struct.Struct("<II")
_NUMBER = struct.Struct("<H")


class _Template:
    """An item of the sequence up to what differs between the frames of one slice, which are numbers at two places.

    The order is that of the tags: Derivation Image (0008,9124), Frame Content (0020,9111) and its numbers, Plane
    Position (0020,9113), Segment Identification (0062,000A) and its number.
    """

    def __init__(self, by_segment: bool) -> None:
        self.derivation = _Derivation()
        place = _TWO_PLACES.pack(0, 0) if by_segment else _ONE_PLACE.pack(0)
        # C.7.6.16.2.2: the frame's place in the dimensions.
        self.place = element("DimensionIndexValues", "UL", place)
        self.content_numbers = len(place)
        # C.8.20.3.1
        number = element("ReferencedSegmentNumber", "US", _NUMBER.pack(0))
        self.identification = sequence("SegmentIdentificationSequence", item(number)) if by_segment else b""
        self.identification_numbers = _NUMBER.size if by_segment else 0

    def around(self, source: Slice, index: int) -> tuple[bytes, bytes]:
        """Return what stands before the place in the dimensions, and between that and the segment's number."""
        in_patient = "ImagePositionPatient" in source.header
        position = _plane_position(source) if in_patient else b""
        content = sequence("FrameContentSequence", item(b"" if in_patient else _stack_position(index), self.place))
        whole = item(self.derivation(source), content, position, self.identification)
        after = len(position) + len(self.identification)
        before = len(whole) - after - self.content_numbers
        return whole[:before], whole[before + self.content_numbers : len(whole) - self.identification_numbers]


def _stack_position(index: int) -> bytes:
    """Return the place of a picture in its clip: Stack ID and In-Stack Position Number (C.7.6.16.2.2)."""
    return element("StackID", "SH", b"1") + element("InStackPositionNumber", "UL", _ONE_PLACE.pack(index + 1))


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
