"""Encapsulated pixel data: which bytes of the file are which frame (PS3.5 section A.4)."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless

from operators.read.attributes import MalformedAttributeError, values
from operators.read.instance import Instance
from operators.read.pixels.pixel_format import PixelFormat
from operators.refused import Reason, Refused

_ITEM = b"\xfe\xff\x00\xe0"
_SEQUENCE_DELIMITATION_ITEM = b"\xfe\xff\xdd\xe0"
_UNDEFINED_LENGTH = b"\xff\xff\xff\xff"
# Under UN a value of undefined length would be a sequence (PS3.5 section 6.2.2).
_VALUE_REPRESENTATIONS = (b"OB", b"OW")

# First bytes of a JPEG or JPEG-LS image, a JPEG 2000 codestream and a JP2 file.
_BEGINNINGS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  ")

# EOI, which is also the End Of Codestream of JPEG 2000; a few bytes may follow, to an even length.
_ENDING = b"\xff\xd9"
_LAST_BYTES = 10


@dataclass(frozen=True)
class Fragment:
    """The value of one item: where it begins in the file, and how many bytes it has."""

    offset: int
    length: int


FrameFragments = tuple[Fragment, ...]
"""The fragments of one frame, in order."""


def fragments_of(instance: Instance) -> tuple[bytes, tuple[Fragment, ...]]:
    """Return the value of the Basic Offset Table and all fragments after it, from the heads of the items alone.

    Raises :class:`Refused` with ``TRUNCATED_PIXEL_DATA`` when the file ends within them, and
    ``UNSUPPORTED_PIXEL_FORMAT`` when the element is not encapsulated.
    """
    start = instance.pixel_data_offset or 0
    with instance.path.open("rb", buffering=0) as file:
        descriptor, size = file.fileno(), os.fstat(file.fileno()).st_size
        # Encapsulated data are always explicit little endian: tag, VR, two reserved bytes, undefined length.
        element = os.pread(descriptor, 12, start)
        if element[8:] != _UNDEFINED_LENGTH or element[4:6] not in _VALUE_REPRESENTATIONS:
            raise Refused(
                Reason.UNSUPPORTED_PIXEL_FORMAT,
                f"{instance.name} holds native pixel data, its transfer syntax says that they are encapsulated",
            )
        position, found = start + 12, []
        while (head := os.pread(descriptor, 8, position))[:4] == _ITEM and len(head) == 8:
            found.append(Fragment(position + 8, int.from_bytes(head[4:], "little")))
            position += 8 + found[-1].length
        if head[:4] != _SEQUENCE_DELIMITATION_ITEM or position > size or not found:
            raise Refused(
                Reason.TRUNCATED_PIXEL_DATA, f"{instance.name}: the file ends within its encapsulated pixel data"
            )
        return os.pread(descriptor, found[0].length, found[0].offset), tuple(found[1:])


def frames_of(instance: Instance, form: PixelFormat) -> tuple[FrameFragments, ...]:
    """Return the fragments of every frame.

    They are told apart by the Extended Offset Table, by the Basic Offset Table, as one fragment for each frame, or by
    the first bytes of each fragment, in this order. A table counts only if each of its offsets is that of an item.

    Raises :class:`Refused` as :func:`fragments_of` does, with ``TRUNCATED_PIXEL_DATA`` when there are fewer fragments
    than frames, and with ``UNSUPPORTED_PIXEL_FORMAT`` when the frames cannot be told apart.
    """
    table, fragments = fragments_of(instance)
    if len(fragments) < form.frames:
        raise Refused(
            Reason.TRUNCATED_PIXEL_DATA,
            f"{instance.name} holds {len(fragments)} fragments of pixel data, its header announces {form.frames} "
            "frames",
        )
    if form.frames == 1:
        _refuse_several_images(instance, form, table, fragments)
        return (fragments,)
    offsets = {fragment.offset: index for index, fragment in enumerate(fragments)}
    for starts in (_extended_offsets(instance.header), _basic_offsets(table)):
        beginnings = [offsets.get(start + fragments[0].offset, -1) for start in starts]
        if len(beginnings) == form.frames and beginnings[0] == 0 and beginnings == sorted(set(beginnings)):
            _refuse_images_between(instance, form, fragments, beginnings)
            return _split(fragments, beginnings)
    if len(fragments) == form.frames:
        return tuple((fragment,) for fragment in fragments)
    # RLE allows one fragment for each frame only (PS3.5 section A.4.2).
    beginnings = [] if form.transfer_syntax_uid == RLELossless else _beginnings(instance, fragments)
    if len(beginnings) != form.frames or beginnings[0] != 0 or not _is_ended(instance, fragments, beginnings):
        raise Refused(
            Reason.UNSUPPORTED_PIXEL_FORMAT,
            f"{instance.name}: its {len(fragments)} fragments of pixel data cannot be shared out to {form.frames} "
            "frames",
        )
    return _split(fragments, beginnings)


def _refuse_images_between(
    instance: Instance, form: PixelFormat, fragments: FrameFragments, beginnings: list[int]
) -> None:
    """An item too many makes a table's offsets those of other frames, where all items are equally long."""
    if len(fragments) == form.frames:
        return
    between = set(_beginnings(instance, fragments)) - set(beginnings)
    if between or form.transfer_syntax_uid == RLELossless:
        raise Refused(
            Reason.UNSUPPORTED_PIXEL_FORMAT,
            f"{instance.name}: its {len(fragments)} fragments of pixel data begin more than {form.frames} frames",
        )


def _refuse_several_images(instance: Instance, form: PixelFormat, table: bytes, fragments: FrameFragments) -> None:
    """Joined as fragments of one frame, a decoder would read the first image and keep silent about the rest."""
    if len(fragments) == 1:
        return
    images = max(len(_basic_offsets(table)), len(_beginnings(instance, fragments)))
    if images > 1 or form.transfer_syntax_uid == RLELossless:
        raise Refused(
            Reason.UNSUPPORTED_PIXEL_FORMAT,
            f"{instance.name} holds {images} frames in {len(fragments)} fragments, its header announces one",
        )


def read_fragments(instance: Instance, fragments: FrameFragments) -> bytes:
    """Return the bytes of fragments, joined; :func:`fragments_of` has made sure that the file holds them."""
    with instance.path.open("rb", buffering=0) as file:
        return b"".join(os.pread(file.fileno(), fragment.length, fragment.offset) for fragment in fragments)


def _extended_offsets(header: Dataset) -> list[int]:
    """Extended Offset Table (7FE0,0001): like the basic one in 64 bits (PS3.3 section C.7.6.3.1.8)."""
    try:
        found = values(header, "ExtendedOffsetTable")
    # What is no table leaves the frames to be told by other means.
    except MalformedAttributeError:
        return []
    if len(found) != 1 or not isinstance(found[0], bytes) or len(found[0]) % 8:
        return []
    return [int(offset) for offset in np.frombuffer(found[0], "<u8")]


def _basic_offsets(table: bytes) -> list[int]:
    return [int(offset) for offset in np.frombuffer(table, "<u4")] if len(table) % 4 == 0 else []


def _beginnings(instance: Instance, fragments: FrameFragments) -> list[int]:
    """The fragments with which an image begins."""
    longest = max(map(len, _BEGINNINGS))
    with instance.path.open("rb", buffering=0) as file:
        heads = [os.pread(file.fileno(), min(longest, part.length), part.offset) for part in fragments]
    return [index for index, head in enumerate(heads) if head.startswith(_BEGINNINGS)]


def _is_ended(instance: Instance, fragments: FrameFragments, beginnings: list[int]) -> bool:
    """Whether each image has ended in the fragment before the next one: what lies between could belong to either."""
    with instance.path.open("rb", buffering=0) as file:
        for last in (fragments[index - 1] for index in beginnings[1:]):
            size = min(_LAST_BYTES, last.length)
            if _ENDING not in os.pread(file.fileno(), size, last.offset + last.length - size):
                return False
    return True


def _split(fragments: FrameFragments, beginnings: list[int]) -> tuple[FrameFragments, ...]:
    ends = [*beginnings[1:], len(fragments)]
    return tuple(fragments[first:last] for first, last in zip(beginnings, ends, strict=True))
