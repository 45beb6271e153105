"""The fast way to an instance's identifiers: one walk over the first bytes of its data set, without pydicom."""

from __future__ import annotations

import struct
from collections.abc import Set

_EXPLICIT = struct.Struct("<HH2sH")
_IMPLICIT = struct.Struct("<HHI")
_LONG = struct.Struct("<I")

_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD

_LONG_VRS = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_SHORT_VRS = frozenset(
    vr.encode()
    for vr in "AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split()  # noqa: SIM905
)
_DEEPEST = 16


class _UnusualError(Exception):
    """The walk cannot say: the encoding is not quite what it should be, or goes on beyond the bytes."""


def walk(content: bytes, *, implicit: bool, wanted: Set[int], last: int) -> dict[int, tuple[bytes, bytes]] | None:
    """Return the elements of ``wanted`` (tags as numbers) up to ``last``, as value and whole element.

    ``content`` is the beginning of a data set in little endian. None where it is too short to reach ``last``, or in any
    way unusual: elements out of order, an unknown VR, values that are no text.
    """
    found: dict[int, tuple[bytes, bytes]] = {}
    position = 0
    # Elements of lower groups are of command sets and File Meta Information (PS3.5 section 7.1).
    before = 0x0007FFFF
    try:
        while True:
            tag, begin, length = _element(content, position, implicit)
            if tag <= before or tag > last:
                return None
            before = tag
            end = _after(content, begin, length, implicit, 0)
            if tag in wanted:
                if length == _UNDEFINED:
                    return None
                found[tag] = content[begin:end], content[position:end]
                if tag == last:
                    return found
            position = end
    except (_UnusualError, struct.error):
        return None


def _element(content: bytes, position: int, implicit: bool) -> tuple[int, int, int]:
    """Tag, where its value begins, and its length."""
    if implicit:
        group, element, length = _IMPLICIT.unpack_from(content, position)
        return group << 16 | element, position + 8, length
    group, element, vr, short = _EXPLICIT.unpack_from(content, position)
    if vr in _SHORT_VRS:
        return group << 16 | element, position + 8, short
    if vr in _LONG_VRS:
        return group << 16 | element, position + 12, _LONG.unpack_from(content, position + 8)[0]
    raise _UnusualError


def _after(content: bytes, begin: int, length: int, implicit: bool, depth: int) -> int:
    """Where the element ends; a sequence of undefined length is walked (PS3.5 section 7.5)."""
    if length != _UNDEFINED:
        end = begin + length
        if end > len(content):
            raise _UnusualError
        return end
    if depth > _DEEPEST:
        raise _UnusualError
    position = begin
    while True:
        group, element, size = _IMPLICIT.unpack_from(content, position)
        tag = group << 16 | element
        position += 8
        if tag == _SEQUENCE_END:
            return position
        if tag != _ITEM:
            raise _UnusualError
        position = position + size if size != _UNDEFINED else _after_item(content, position, implicit, depth)


def _after_item(content: bytes, position: int, implicit: bool, depth: int) -> int:
    while True:
        group, element, _ = _IMPLICIT.unpack_from(content, position)
        if group << 16 | element == _ITEM_END:
            return position + 8
        _, begin, length = _element(content, position, implicit)
        position = _after(content, begin, length, implicit, depth + 1)
