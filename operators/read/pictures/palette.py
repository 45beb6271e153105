"""Palette colour → RGB (PS3.3 section C.7.9)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian

from operators.read.attributes import MalformedAttributeError, values
from operators.read.instance import Instance
from operators.read.pixels.pixel_format import PixelFormat
from operators.read.values.lookup_table import lookup_table, table_descriptor, words

_COLOURS = ("Red", "Green", "Blue")
_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2
_LARGEST_TABLE = 1 << 16


class Palette:
    """The colours of an instance's stored values: ``colours`` (entry, 3), uint8 or uint16, from ``first`` on."""

    def __init__(self, instance: Instance, form: PixelFormat) -> None:
        """Read the three palettes; raises :class:`MalformedAttributeError` when one is absent or not as described."""
        header, is_signed = instance.header, form.dtype.kind == "i"
        is_big_endian = form.transfer_syntax_uid == ExplicitVRBigEndian
        tables = [_channel(header, colour, is_signed, is_big_endian) for colour in _COLOURS]
        if len({(first, len(table), table.dtype) for first, table in tables}) > 1:
            raise MalformedAttributeError("the palettes of red, green and blue differ in length, first value or bits")
        self.first = tables[0][0]
        self.colours = np.stack([table for _, table in tables], axis=-1)

    @property
    def bits(self) -> int:
        """Bits of each colour: 8 or 16."""
        return 8 * self.colours.dtype.itemsize

    def __call__(self, stored: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return the RGB of stored values (…) as (…, 3); the ends of the palette stand for all values beyond."""
        at = np.clip(stored.astype(np.int64) - self.first, 0, len(self.colours) - 1)
        return self.colours[at]


def _channel(header: Dataset, colour: str, is_signed: bool, is_big_endian: bool) -> tuple[int, NDArray[np.generic]]:
    descriptor = f"{colour}PaletteColorLookupTableDescriptor"
    plain, segmented = f"{colour}PaletteColorLookupTableData", f"Segmented{colour}PaletteColorLookupTableData"
    if not values(header, segmented):
        table = lookup_table(header, descriptor, plain, is_signed=is_signed, is_big_endian=is_big_endian)
        return table.first, table.table
    entries, first, bits = table_descriptor(header, descriptor, is_signed=is_signed)
    value = values(header, segmented)
    elements = _elements(value[0] if len(value) == 1 else value, bits, is_big_endian)
    expanded = _Segments(elements, is_bytes=bits == 8, name=segmented).expanded()
    if len(expanded) != entries:
        raise MalformedAttributeError(f"{segmented} makes {len(expanded)} of {entries} entries")
    if max(expanded) >> bits:
        raise MalformedAttributeError(f"{segmented} makes {max(expanded)}, {descriptor} announces {bits} bits")
    return first, np.array(expanded, np.uint8 if bits == 8 else np.uint16)


def _elements(value: object, bits: int, is_big_endian: bool) -> list[int]:
    """The elements of segmented data: bytes where entries have eight bits, else words (PS3.3 section C.7.9.2)."""
    found = words(value, is_big_endian)
    elements: list[int] = found.astype("<u2").view(np.uint8).tolist() if bits == 8 else found.tolist()
    return elements


class _Segments:
    """Discrete, linear and indirect segments, and the entries that they stand for (PS3.3 section C.7.9.2)."""

    def __init__(self, elements: list[int], is_bytes: bool, name: str) -> None:
        self._elements, self._is_bytes, self._name = elements, is_bytes, name
        self._entries: list[int] = []

    def expanded(self) -> list[int]:
        position = 0
        # What is left by padding is shorter than any segment.
        while position + 2 < len(self._elements):
            position += self._expand(position, nested=False)
        return self._entries

    def _expand(self, position: int, nested: bool) -> int:
        """Append the entries of the segment at ``position``; return how many elements it has."""
        kind, length = self._elements[position : position + 2]
        found = self._elements[position + 2 : position + 2 + max(length, 4)]
        if not length or not found or len(self._entries) + length > _LARGEST_TABLE:
            raise MalformedAttributeError(f"a segment of {self._name} has no length, or too much of it")
        if kind == _DISCRETE and len(found) >= length:
            self._entries += found[:length]
            return 2 + length
        if kind == _LINEAR and self._entries:
            start, end = self._entries[-1], found[0]
            self._entries += [round(start + (end - start) * step / length) for step in range(1, length + 1)]
            return 3
        if kind == _INDIRECT and not nested and len(found) >= 4:
            # The offset counts bytes, its least significant word stands first.
            source = found[0] + (found[1] << 16)
            if self._is_bytes:
                source = sum(byte << (8 * index) for index, byte in enumerate(found[:4]))
            source = source if self._is_bytes else source // 2
            for _ in range(length):
                if source + 2 >= len(self._elements):
                    break
                source += self._expand(source, nested=True)
            return 6 if self._is_bytes else 4
        raise MalformedAttributeError(f"{self._name} has a segment that is cut or of an unknown type")
