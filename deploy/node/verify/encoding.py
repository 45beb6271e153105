"""The bytes of a result as a tree of items and elements: Explicit VR Little Endian (PS3.5 section 7), nothing guessed.

What has been written by pydicom is not read with pydicom: a second look with the same eyes would miss what the first
one missed. It would also take too long for objects of some thousand frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

from deploy.node.verify.elements import Element, EncodingError, Item, python_encodings, tag_name

PIXEL_DATA = 0x7FE00010

SPECIFIC_CHARACTER_SET = 0x00080005

_UNDEFINED_LENGTH = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD

# PS3.5 section 7.1.2: two reserved bytes and 32 bits of length after these.
_LONG_VRS = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
_SHORT_VRS = frozenset(
    b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split(b" "),
)
_VR_NAMES = {vr: vr.decode() for vr in _LONG_VRS | _SHORT_VRS}

# Sequences that are longer hardly come twice in an object.
_LONGEST_REMEMBERED = 1 << 14

_header = Struct("<HH2sH").unpack_from
_length = Struct("<L").unpack_from
_delimiter = Struct("<HHL").unpack_from


def read_data_set(data: bytes, start: int, *, encapsulated: bool) -> Item:
    """Return the data set that begins at ``start`` and goes on to the end of ``data``.

    ``encapsulated`` tells that the transfer syntax encapsulates pixel data. Raises :class:`EncodingError`.
    """
    return _Walk(data, encapsulated).data_set(start, len(data), is_root=True)


class _Walk:
    def __init__(self, data: bytes, encapsulated: bool) -> None:
        self._data = data
        self._encapsulated = encapsulated
        self._encodings: Sequence[str] = ("ascii",)
        # The groups of a slice come again for every segment, codes come again everywhere: read once.
        self._known: dict[bytes, tuple[Item, ...]] = {}

    def data_set(self, position: int, end: int, *, is_root: bool = False) -> Item:
        elements: dict[int, Element] = {}
        previous = 0
        while position < end:
            tag, element, position = self._element(position, end)
            if tag <= previous:
                raise EncodingError(f"{tag_name(tag)} at {position} is out of order")
            previous = tag
            elements[tag] = element
            if is_root and tag == SPECIFIC_CHARACTER_SET:
                self._encodings = python_encodings(element.value)
        return Item(elements, self._encodings)

    def _element(self, position: int, end: int) -> tuple[int, Element, int]:
        """Return tag, element and the position behind it."""
        data = self._data
        if end - position < 8:
            raise EncodingError(f"{end - position} bytes are left at {position}: less than an element")
        group, number, code, length = _header(data, position)
        tag, vr, at = group << 16 | number, _VR_NAMES.get(code), position + 8
        if vr is None:
            raise EncodingError(f"{tag_name(tag)} at {position} has no value representation but {code!r}")
        if code in _LONG_VRS:
            if end - position < 12:
                raise EncodingError(f"{tag_name(tag)} at {position} is cut off")
            (length,) = _length(data, at)
            at += 4
        if length == _UNDEFINED_LENGTH:
            if vr == "SQ":
                items, behind = self._items_to_delimiter(at, end)
                return tag, Element(vr, items=items), behind
            if tag == PIXEL_DATA and self._encapsulated:
                fragments, behind = self._fragments(at, end)
                return tag, Element(vr, fragments=fragments), behind
            raise EncodingError(f"{tag_name(tag)} at {position} has no length")
        if at + length > end:
            raise EncodingError(f"{tag_name(tag)} at {position} has {end - at} bytes of {length}")
        if length % 2:
            raise EncodingError(f"{tag_name(tag)} at {position} has the odd length {length}")
        if vr == "SQ":
            return tag, Element(vr, items=self._items_of_length(at, length)), at + length
        if tag == PIXEL_DATA and self._encapsulated:
            raise EncodingError("the pixel data are not encapsulated as the transfer syntax says")
        return tag, Element(vr, data[at : at + length]), at + length

    def _items_of_length(self, at: int, length: int) -> tuple[Item, ...]:
        if length > _LONGEST_REMEMBERED:
            return self._items(at, at + length)
        encoded = self._data[at : at + length]
        if encoded not in self._known:
            self._known[encoded] = self._items(at, at + length)
        return self._known[encoded]

    def _items(self, position: int, end: int) -> tuple[Item, ...]:
        items = []
        while position < end:
            item, position = self._item(position, end)
            items.append(item)
        return tuple(items)

    def _items_to_delimiter(self, position: int, end: int) -> tuple[tuple[Item, ...], int]:
        items = []
        while self._delimiter(position, end)[0] != _SEQUENCE_END:
            item, position = self._item(position, end)
            items.append(item)
        return tuple(items), position + 8

    def _item(self, position: int, end: int) -> tuple[Item, int]:
        tag, length = self._delimiter(position, end)
        if tag != _ITEM:
            raise EncodingError(f"there is {tag_name(tag)} at {position} instead of an item")
        at = position + 8
        if length != _UNDEFINED_LENGTH:
            if at + length > end:
                raise EncodingError(f"the item at {position} goes beyond its sequence")
            return self.data_set(at, at + length), at + length
        elements: dict[int, Element] = {}
        previous = 0
        while self._delimiter(at, end)[0] != _ITEM_END:
            tag, element, at = self._element(at, end)
            if tag <= previous:
                raise EncodingError(f"{tag_name(tag)} at {at} is out of order")
            previous = tag
            elements[tag] = element
        return Item(elements, self._encodings), at + 8

    def _delimiter(self, position: int, end: int) -> tuple[int, int]:
        if end - position < 8:
            raise EncodingError(f"the sequence ends early at {position}")
        group, number, length = _delimiter(self._data, position)
        return group << 16 | number, length

    def _fragments(self, position: int, end: int) -> tuple[tuple[bytes, ...], int]:
        fragments: list[bytes] = []
        while True:
            tag, length = self._delimiter(position, end)
            at = position + 8
            if tag == _SEQUENCE_END:
                return tuple(fragments), at
            if tag != _ITEM or length == _UNDEFINED_LENGTH or length % 2 or at + length > end:
                raise EncodingError(f"the pixel data have no fragment at {position}")
            fragments.append(self._data[at : at + length])
            position = at + length
