"""The bytes of a result as a tree of items and elements: Explicit VR Little Endian (PS3.5 section 7), nothing guessed.

What has been written by pydicom is not read with pydicom: a second look with the same eyes would miss what the first
one missed. It would also take too long for objects of some thousand frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from struct import Struct
from typing import NamedTuple

from pydicom._dicom_dict import RepeatersDictionary
from pydicom.charset import decode_bytes, python_encoding
from pydicom.datadict import keyword_for_tag, tag_for_keyword

import operators.read.headers.character_sets  # noqa: F401 - corrects pydicom

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


class EncodingError(ValueError):
    """The bytes break the encoding rules of PS3.5 section 7; the message says which, and where in the file."""


class Element(NamedTuple):
    """One data element: its ``value`` as bytes with padding, or its ``items``, or its ``fragments`` of pixel data.

    The first fragment is the Basic Offset Table (PS3.5 section A.4).
    """

    vr: str
    value: bytes = b""
    items: tuple[Item, ...] = ()
    fragments: tuple[bytes, ...] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is no value, no item and no fragment."""
        return not (self.value or self.items or self.fragments)


class Item:
    """A data set or an item of a sequence: its elements by tag, in the file's order."""

    __slots__ = ("elements", "encodings")

    def __init__(self, elements: dict[int, Element], encodings: Sequence[str]) -> None:
        self.elements = elements
        self.encodings = encodings

    def get(self, keyword: str) -> Element | None:
        """Return an element by its keyword, or None."""
        return self.elements.get(tag_of(keyword))

    def has(self, keyword: str) -> bool:
        """Whether there is an element with a value."""
        element = self.get(keyword)
        return element is not None and not element.is_empty

    def items(self, keyword: str) -> tuple[Item, ...]:
        """Return the items of a sequence; none if it is absent."""
        element = self.get(keyword)
        return element.items if element is not None else ()

    def texts(self, keyword: str) -> tuple[str, ...]:
        """Return the values of a textual element without padding; none if it is absent or empty.

        Raises :class:`ValueError` for bytes that are not in the declared character set.
        """
        element = self.get(keyword)
        if element is None or not element.value:
            return ()
        return tuple(value.strip(" \0") for value in decoded(element.value, tuple(self.encodings)).split("\\"))

    def text(self, keyword: str) -> str:
        """Return the values of a textual element, joined by a backslash; an empty text if it is absent."""
        return "\\".join(self.texts(keyword))

    def integers(self, keyword: str) -> tuple[int, ...]:
        """Return the values of an element of integers, binary or IS; none if it is absent or empty."""
        element = self.get(keyword)
        if element is None or not element.value:
            return ()
        form = INTEGERS.get(element.vr)
        if form is None:
            return tuple(int(value) for value in self.texts(keyword))
        return tuple(number for (number,) in Struct(f"<{form}").iter_unpack(element.value))

    def integer(self, keyword: str) -> int | None:
        """Return the first integer of an element, or None."""
        found = self.integers(keyword)
        return found[0] if found else None


INTEGERS = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "UV": "Q", "SV": "q"}
"""Binary integers by VR, as :mod:`struct` names them."""


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


@lru_cache(maxsize=4096)
def tag_of(keyword: str) -> int:
    """Return the tag of a keyword, of overlays (60xx,eeee) that of the first. Raises :class:`KeyError`."""
    tag = tag_for_keyword(keyword)
    return _OVERLAYS[keyword] if tag is None else tag


# pydicom knows repeating groups by mask only.
_OVERLAYS = {
    keyword: int(mask.replace("60xx", "6000"), 16)
    for mask, (_, _, _, _, keyword) in RepeatersDictionary.items()
    if mask.startswith("60xx")
}


@lru_cache(maxsize=4096)
def tag_name(tag: int) -> str:
    """Return how a tag is told to people: its keyword, or its numbers."""
    return keyword_for_tag(tag) or f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


@lru_cache(maxsize=64)
def python_encodings(character_set: bytes) -> tuple[str, ...]:
    """Return Python's codecs for a Specific Character Set (PS3.3 C.12.1.1.2). Raises :class:`EncodingError`."""
    terms = [term.strip() for term in character_set.decode("ascii", "replace").split("\\")]
    unknown = [term for term in terms if term not in python_encoding]
    if unknown:
        raise EncodingError(f"there is no character set {unknown[0]!r}")
    if len(terms) > 1 and not all(term.startswith("ISO 2022 IR ") for term in terms if term):
        raise EncodingError(f"the character sets {', '.join(terms)} cannot be combined without code extensions")
    # The default repertoire is ASCII; pydicom would take Latin-1 that nobody declared.
    return tuple("ascii" if codec == "iso8859" else codec for codec in (python_encoding[term] for term in terms))


@lru_cache(maxsize=1 << 12)
def decoded(value: bytes, encodings: tuple[str, ...]) -> str:
    """Return a text in its character set. Raises :class:`ValueError` for bytes that are not in it."""
    if value.isascii() and b"\x1b" not in value:
        return value.decode("ascii")
    if len(encodings) == 1:
        return value.decode(encodings[0])
    text = str(decode_bytes(value, list(encodings), _DELIMITERS))
    # pydicom puts it where it cannot decode.
    if "\ufffd" in text:
        raise ValueError(f"{value[:80]!r} is not in the character sets {', '.join(encodings)}")
    return text


_DELIMITERS = {0x5C, 0x0D, 0x0A, 0x09, 0x0C, 0x5E, 0x3D}
"""Characters after which the first character set holds again (PS3.5 section 6.1.2.5.3)."""
