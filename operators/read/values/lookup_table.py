"""Lookup tables as DICOM writes them: descriptor and data (PS3.3 sections C.7.6.3.1.5, C.11.1.1.1 and C.11.2.1.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from operators.read.attributes import MalformedAttributeError, numbers, values
from operators.read.values.rescale import LookupTable


def lookup_table(
    item: Dataset, descriptor: str, data: str, *, is_signed: bool, is_big_endian: bool = False
) -> LookupTable:
    """Return the table that two attributes of ``item`` describe; its entries are uint8 or uint16.

    ``is_signed`` is whether the values that go in may be negative: the descriptor's first value then is signed.

    Raises :class:`MalformedAttributeError` when descriptor or data are absent or contradict each other.
    """
    entries, first, bits = table_descriptor(item, descriptor, is_signed=is_signed)
    table = _entries(item, data, entries, bits, is_big_endian)
    if len(table) < entries:
        raise MalformedAttributeError(f"{data} has {len(table)} of {entries} entries")
    table = table[:entries]
    if int(table.max()) >> bits:
        raise MalformedAttributeError(f"{data} holds {int(table.max())}, {descriptor} announces {bits} bits")
    return LookupTable(first, table.astype(np.uint8 if bits == 8 else np.uint16))


def table_descriptor(item: Dataset, descriptor: str, *, is_signed: bool) -> tuple[int, int, int]:
    """Return number of entries, first value mapped and bits of each entry; raises :class:`MalformedAttributeError`."""
    found = numbers(item, descriptor, count=3)
    if not found:
        raise MalformedAttributeError(f"{descriptor} is absent")
    # Sixteen bits each, and no value representation in common: 0 entries stands for 65536.
    entries, first, bits = (int(value) & 0xFFFF for value in found)
    if is_signed and first >= 1 << 15:
        first -= 1 << 16
    if not 8 <= bits <= 16:
        raise MalformedAttributeError(f"{descriptor} announces {bits} bits")
    return entries or 1 << 16, first, bits


def words(value: object, is_big_endian: bool) -> NDArray[np.uint16]:
    """Return the 16 bit words of a value that the parser left as bytes (OW) or made numbers (US).

    Raises :class:`MalformedAttributeError` for anything else.
    """
    if isinstance(value, bytes):
        return np.frombuffer(value[: len(value) // 2 * 2], ">u2" if is_big_endian else "<u2").astype(np.uint16)
    found = value if isinstance(value, tuple) else (value,)
    # Not of a class made from int: those stand for tags and for texts.
    if not all(type(each) is int and -(1 << 15) <= each < 1 << 16 for each in found):
        raise MalformedAttributeError("a lookup table holds something else than words of 16 bits")
    return np.array(found, dtype=np.int64).astype(np.uint16)


def _entries(item: Dataset, data: str, entries: int, bits: int, is_big_endian: bool) -> NDArray[np.uint16]:
    found = values(item, data)
    if not found:
        raise MalformedAttributeError(f"{data} is absent")
    value = found[0] if len(found) == 1 else found
    # Entries of eight bits may stand in bytes or in words.
    if bits == 8 and isinstance(value, bytes) and len(value) < 2 * entries:
        table = np.frombuffer(value, np.uint8)
        if is_big_endian:
            table = table[: len(table) // 2 * 2].reshape(-1, 2)[:, ::-1].ravel()
        return table.astype(np.uint16)
    return words(value, is_big_endian)
