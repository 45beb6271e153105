"""A DICOM file as a tree that may break the standard's rules when it is written again (PS3.5 section 7, PS3.10 7.1).

It shares no code with what it tests. It reads well-formed files only: those that mutations start from.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydicom.datadict import dictionary_VR

IMPLICIT = "1.2.840.10008.1.2"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"

UNDEFINED = 0xFFFFFFFF
PIXEL_DATA = (0x7FE0, 0x0010)

_ITEM = (0xFFFE, 0xE000)
_ITEM_DELIMITATION = (0xFFFE, 0xE00D)
_SEQUENCE_DELIMITATION = (0xFFFE, 0xE0DD)

# These have two reserved bytes and a length of four bytes when the VR is explicit (PS3.5 table 7.1-1).
LONG_VRS = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})


@dataclass
class Item:
    """One item of a sequence, or one fragment of encapsulated pixel data (then ``fragment`` holds its bytes)."""

    elements: list[Element] = field(default_factory=list)
    fragment: bytes | None = None
    undefined: bool = False
    length: int | None = None
    delimited: bool = True


@dataclass
class Element:
    """One element; ``length`` overrides the right length, and ``delimited`` False leaves the delimiter out."""

    tag: tuple[int, int]
    vr: bytes
    value: bytes = b""
    items: list[Item] | None = None
    undefined: bool = False
    length: int | None = None
    delimited: bool = True


@dataclass
class File:
    """One file: preamble with "DICM", File Meta Information, data set."""

    meta: list[Element]
    elements: list[Element]
    transfer_syntax: str
    tail: bytes = b""

    def walk(self) -> Iterator[list[Element]]:
        """Every list of elements, that of the file meta information first, then outer before inner."""
        yield self.meta
        waiting = [self.elements]
        while waiting:
            elements = waiting.pop()
            yield elements
            waiting += [item.elements for element in elements for item in element.items or () if item.fragment is None]

    def find(self, tag: tuple[int, int]) -> Element | None:
        """The top-level element with this tag."""
        return next((element for element in self.elements if element.tag == tag), None)


class _Reader:
    def __init__(self, content: bytes, implicit: bool, big: bool) -> None:
        self.content, self.implicit = content, implicit
        order = ">" if big else "<"
        self.short, self.long, self.tag_format = (struct.Struct(order + each) for each in ("H", "L", "HH"))
        self.at = 0

    def elements(self, end: int, stop: tuple[int, int] | None = None) -> list[Element]:
        found: list[Element] = []
        while self.at < end:
            tag = self.tag_format.unpack_from(self.content, self.at)
            if tag == stop:
                self.at += 8
                break
            found.append(self.element(tag))
        return found

    def element(self, tag: tuple[int, int]) -> Element:
        self.at += 4
        if self.implicit:
            vr = _usual_vr(tag)
            (length,) = self.long.unpack_from(self.content, self.at)
            self.at += 4
        else:
            vr = self.content[self.at : self.at + 2]
            if vr in LONG_VRS:
                (length,) = self.long.unpack_from(self.content, self.at + 4)
                self.at += 8
            else:
                (length,) = self.short.unpack_from(self.content, self.at + 2)
                self.at += 4
        if vr == b"SQ" or length == UNDEFINED:
            return Element(tag, vr, items=self.items(length, tag == PIXEL_DATA), undefined=length == UNDEFINED)
        self.at += length
        return Element(tag, vr, self.content[self.at - length : self.at])

    def items(self, length: int, fragments: bool) -> list[Item]:
        end = len(self.content) if length == UNDEFINED else self.at + length
        found = []
        while self.at < end:
            tag = self.tag_format.unpack_from(self.content, self.at)
            (size,) = self.long.unpack_from(self.content, self.at + 4)
            self.at += 8
            if tag == _SEQUENCE_DELIMITATION:
                break
            if fragments:
                self.at += size
                found.append(Item(fragment=self.content[self.at - size : self.at]))
            elif size == UNDEFINED:
                found.append(Item(self.elements(len(self.content), _ITEM_DELIMITATION), undefined=True))
            else:
                found.append(Item(self.elements(self.at + size)))
        return found


def _usual_vr(tag: tuple[int, int]) -> bytes:
    try:
        return dictionary_VR(tag).encode()[:2]
    except KeyError:
        return b"UN"


def parse(content: bytes) -> File:
    """Take a well-formed file apart."""
    reader = _Reader(content, implicit=False, big=False)
    reader.at = 132
    meta = []
    while reader.at < len(content) and content[reader.at : reader.at + 2] == b"\x02\x00":
        meta.append(reader.element(reader.tag_format.unpack_from(content, reader.at)))
    syntax = next(each.value for each in meta if each.tag == (0x0002, 0x0010)).rstrip(b"\0").decode()
    data_set = content[reader.at :]
    if syntax == DEFLATED:
        data_set = zlib.decompress(data_set, -zlib.MAX_WBITS)
    reader = _Reader(data_set, implicit=syntax == IMPLICIT, big=syntax == BIG_ENDIAN)
    return File(meta, reader.elements(len(data_set)), syntax)


def serialise(file: File) -> bytes:
    """Write a file as it stands, with right lengths wherever none is forced."""
    meta = _Writer(implicit=False, big=False).elements(file.meta)
    data_set = _Writer(file.transfer_syntax == IMPLICIT, file.transfer_syntax == BIG_ENDIAN).elements(file.elements)
    if file.transfer_syntax == DEFLATED:
        compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        data_set = compressor.compress(data_set) + compressor.flush()
        data_set += b"\0" * (len(data_set) % 2)
    return b"\0" * 128 + b"DICM" + meta + data_set + file.tail


def nested(transfer_syntax: str, tag: tuple[int, int], levels: int, undefined: bool) -> Element:
    """A sequence in a sequence in a sequence, as an element whose value is made already: trees recurse."""
    writer = _Writer(transfer_syntax == IMPLICIT, transfer_syntax == BIG_ENDIAN)
    inner = Element(tag, b"SQ", items=[Item(undefined=undefined)])
    for _ in range(levels):
        item = Item(fragment=writer.element(inner), undefined=undefined)
        inner = Element(
            tag, b"SQ", writer.items(Element(tag, b"SQ", items=[item], undefined=undefined)), undefined=undefined
        )
    return inner


class _Writer:
    def __init__(self, implicit: bool, big: bool) -> None:
        order = ">" if big else "<"
        self.implicit = implicit
        self.short, self.long, self.tag_format = (struct.Struct(order + each) for each in ("H", "L", "HH"))

    def elements(self, elements: list[Element]) -> bytes:
        return b"".join([self.element(element) for element in elements])

    def element(self, element: Element) -> bytes:
        value = element.value if element.items is None else self.items(element)
        length = element.length
        if length is None:
            length = UNDEFINED if element.undefined else len(value)
        tag = self.tag_format.pack(*element.tag)
        if self.implicit:
            return tag + self.long.pack(length) + value
        if element.vr in LONG_VRS:
            return tag + element.vr + b"\0\0" + self.long.pack(length) + value
        return tag + element.vr + self.short.pack(length & 0xFFFF) + value

    def items(self, element: Element) -> bytes:
        parts = []
        for item in element.items or ():
            value = self.elements(item.elements) if item.fragment is None else item.fragment
            length = item.length
            if length is None:
                length = UNDEFINED if item.undefined else len(value)
            parts += [self.tag_format.pack(*_ITEM), self.long.pack(length), value]
            if item.undefined and item.delimited:
                parts.append(self.tag_format.pack(*_ITEM_DELIMITATION) + self.long.pack(0))
        if element.undefined and element.delimited:
            parts.append(self.tag_format.pack(*_SEQUENCE_DELIMITATION) + self.long.pack(0))
        return b"".join(parts)
