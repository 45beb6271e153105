"""What a result is read as: a tree of items and elements, by tag or keyword."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from struct import Struct
from typing import NamedTuple

from pydicom._dicom_dict import RepeatersDictionary
from pydicom.charset import decode_bytes, python_encoding
from pydicom.datadict import keyword_for_tag, tag_for_keyword

import operators.read.headers.character_sets  # noqa: F401 - corrects pydicom


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
