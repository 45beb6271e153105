"""The data elements of a little endian header, found by walking its bytes: exact, or left to pydicom.

The walk takes only what is encoded as PS3.5 section 7 says and what pydicom reads without guessing; it raises
:class:`UnusualEncodingError` for everything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from struct import Struct

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement, empty_value_for_VR
from pydicom.tag import BaseTag
from pydicom.valuerep import AMBIGUOUS_VR, EXPLICIT_VR_LENGTH_32, VR

PIXEL_DATA_TAGS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
"""Float Pixel Data, Double Float Pixel Data and Pixel Data (PS3.3 section C.7.6.24, C.7.6.25 and C.7.6.3)."""

UNDEFINED_LENGTH = 0xFFFFFFFF

SPECIFIC_CHARACTER_SET = 0x00080005

_ITEM = 0xE000FFFE
_ITEM_DELIMITATION = 0xE00DFFFE
_SEQUENCE_DELIMITATION = 0xE0DDFFFE

# Tags (FFFE,eeee) delimit; they are no data elements of their own.
_FIRST_DELIMITER = 0xFFFE0000

# pydicom parses nested sequences of undefined length by recursion: the very deep ones are its to refuse.
_DEEPEST = 16

# Value representations by their two bytes; pydicom's list also holds the ambiguous ones of its dictionary.
EXPLICIT_VRS = {vr.value.encode(): vr.value for vr in VR if len(vr.value) == 2}
LONG_VRS = frozenset(vr for vr in EXPLICIT_VRS.values() if vr in EXPLICIT_VR_LENGTH_32)
"""Value representations whose length has 32 bits, after two reserved bytes (PS3.5 section 7.1.2)."""

_short = Struct("<HH2sH").unpack_from
_length = Struct("<L").unpack_from
_implicit = Struct("<HHL").unpack_from
_item = Struct("<LL").unpack_from


class UnusualEncodingError(Exception):
    """The bytes are not of the ordinary kind, or damaged: pydicom decides what they mean."""


class MoreBytesNeededError(Exception):
    """The header goes on behind the bytes at hand; ``args[0]`` is how many are needed at least."""


def walk_elements(data: bytes, start: int, implicit: bool, size: int) -> Iterator[tuple[RawDataElement, int]]:
    """Yield each element of a data set with the position behind it, up to the pixel data or the end of the file.

    ``data`` holds the first bytes of a file of ``size`` bytes, in which the data set begins at ``start``. Tags rise
    strictly. A sequence of undefined length keeps its items' bytes, as pydicom keeps those of a defined length.

    Raises :class:`UnusualEncodingError` or :class:`MoreBytesNeededError`.
    """
    position, previous = start, 0x0002FFFF
    if implicit:
        _refuse_explicit(data, start, size)
    while position != size:
        element, end = read_element(data, position, implicit, size)
        if element.tag in PIXEL_DATA_TAGS:
            return
        if element.tag <= previous:
            raise UnusualEncodingError
        previous = element.tag
        yield element, end
        position = end


def walk_file_meta(data: bytes, start: int, size: int) -> Iterator[tuple[RawDataElement, int]]:
    """Yield each element of the File Meta Information (PS3.10 section 7.1) with the position behind it."""
    position, previous = start, 0
    while _is_file_meta(data, position, size):
        element, end = read_element(data, position, False, size)
        if element.tag <= previous:
            raise UnusualEncodingError
        previous = element.tag
        yield element, end
        position = end


def read_element(data: bytes, start: int, implicit: bool, size: int) -> tuple[RawDataElement, int]:
    """Return the element at ``start`` and the position behind it; of pixel data only the header is read."""
    tag, vr, length, value_at = _element_header(data, start, implicit, size)
    if tag in PIXEL_DATA_TAGS:
        return RawDataElement(known_tag(tag), vr, length, None, value_at, implicit, True), value_at
    if length == UNDEFINED_LENGTH:
        if not _is_sequence(data, tag, vr, value_at, size):
            raise UnusualEncodingError
        vr = VR.SQ.value
        value_end = _sequence_end(data, value_at, implicit, size, 0)
        end = value_end + 8
    else:
        value_end = end = value_at + length
        _require(data, end, size)
    value = data[value_at:value_end] if length else empty_value(vr)
    return RawDataElement(known_tag(tag), vr, length, value, value_at, implicit, True), end


@lru_cache(maxsize=1 << 16)
def known_tag(tag: int) -> BaseTag:
    """Return pydicom's tag, always the same object: a dictionary then finds it without comparing."""
    return BaseTag(tag)


def empty_value(vr: str | None) -> bytes | None:
    """Return what pydicom holds for a value of zero length."""
    value = empty_value_for_VR(vr, raw=True)
    return value if isinstance(value, bytes) else None


def _is_file_meta(data: bytes, position: int, size: int) -> bool:
    _require(data, position + 8, size)
    return data.startswith(b"\x02\x00", position)


def _element_header(data: bytes, start: int, implicit: bool, size: int) -> tuple[int, str | None, int, int]:
    """Tag, value representation, length and position of the value of an element."""
    _require(data, start + 8, size)
    if implicit:
        group, number, length = _implicit(data, start)
        vr, value_at = None, start + 8
    else:
        group, number, code, length = _short(data, start)
        vr, value_at = EXPLICIT_VRS.get(code), start + 8
        if vr is None:
            raise UnusualEncodingError
        if vr in LONG_VRS:
            value_at = start + 12
            _require(data, value_at, size)
            (length,) = _length(data, start + 8)
    tag = group << 16 | number
    if tag >= _FIRST_DELIMITER:
        raise UnusualEncodingError
    return tag, vr, length, value_at


def _is_sequence(data: bytes, tag: int, vr: str | None, value_at: int, size: int) -> bool:
    """Whether pydicom takes a value of undefined length for a sequence, without having to infer it."""
    if vr is not None:
        return vr == VR.SQ
    known = _dictionary_vr(tag)
    if known is not None:
        return known == VR.SQ
    _require(data, value_at + 4, size)
    return _length(data, value_at)[0] == _ITEM


@lru_cache(maxsize=1 << 14)
def _dictionary_vr(tag: int) -> str | None:
    try:
        return str(dictionary_VR(known_tag(tag)))
    except KeyError:
        return None


def _sequence_end(data: bytes, position: int, implicit: bool, size: int, depth: int) -> int:
    """Position of the delimitation item of a sequence of undefined length (PS3.5 section 7.5.2)."""
    if depth > _DEEPEST:
        raise UnusualEncodingError
    while True:
        _require(data, position + 8, size)
        tag, length = _item(data, position)
        if tag == _SEQUENCE_DELIMITATION and length == 0:
            return position
        # pydicom looks at the bytes behind an empty item to tell its encoding.
        if tag != _ITEM or length == 0:
            raise UnusualEncodingError
        position = _item_end(data, position + 8, length, implicit, size, depth)


def _item_end(data: bytes, position: int, length: int, implicit: bool, size: int, depth: int) -> int:
    """Position behind an item whose elements begin at ``position``."""
    end = None if length == UNDEFINED_LENGTH else position + length
    previous = 0
    while end is None or position < end:
        _require(data, position + 8, size)
        if end is None and _item(data, position) == (_ITEM_DELIMITATION, 0):
            return position + 8
        tag, vr, length, value_at = _element_header(data, position, implicit, size)
        _refuse_context_dependent(tag, vr)
        if tag <= previous:
            raise UnusualEncodingError
        previous = tag
        if length != UNDEFINED_LENGTH:
            position = value_at + length
        elif _is_sequence(data, tag, vr, value_at, size):
            position = _sequence_end(data, value_at, implicit, size, depth + 1) + 8
        else:
            raise UnusualEncodingError
        _require(data, position, size)
    if position != end:
        raise UnusualEncodingError
    return position


def _refuse_context_dependent(tag: int, vr: str | None) -> None:
    # Read later, these would come out otherwise than read at once: their meaning depends on the data set around.
    if tag == SPECIFIC_CHARACTER_SET or (vr in (None, VR.UN) and _dictionary_vr(tag) in AMBIGUOUS_VR):
        raise UnusualEncodingError


def _refuse_explicit(data: bytes, start: int, size: int) -> None:
    """Where the first element looks explicit, pydicom reads the data set so, whatever the transfer syntax says."""
    _require(data, start + 6, size)
    if all(0x41 <= byte <= 0x5A for byte in data[start + 4 : start + 6]):
        raise UnusualEncodingError


def _require(data: bytes, end: int, size: int) -> None:
    if end > len(data):
        if end > size:
            raise UnusualEncodingError
        raise MoreBytesNeededError(end)
