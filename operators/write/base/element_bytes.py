"""Data elements as bytes, Explicit VR Little Endian (PS3.5 section 7.1.2), for sequences of very many items.

pydicom builds and writes an item in about a millisecond; a Segmentation can have thousands of frames. What is made here
equals what pydicom would write.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import lru_cache

from pydicom.charset import convert_encodings
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import correct_ambiguous_vr, write_dataset
from pydicom.tag import BaseTag, Tag
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

_SHORT = struct.Struct("<HH2sH")
_LONG = struct.Struct("<HH2sHI")
_ITEM = struct.Struct("<HHI")


def element(keyword: str, vr: str, value: bytes) -> bytes:
    """Return one data element; an odd value is padded as its VR wants (PS3.5 table 6.2-1)."""
    if len(value) % 2:
        value += b"\0" if vr in ("UI", "OB", "UN") else b" "
    tag = _tag(keyword)
    if vr in EXPLICIT_VR_LENGTH_32:
        return _LONG.pack(tag.group, tag.element, vr.encode(), 0, len(value)) + value
    if len(value) > 0xFFFE:
        raise ValueError(f"{len(value)} bytes do not fit into {keyword}")
    return _SHORT.pack(tag.group, tag.element, vr.encode(), len(value)) + value


@lru_cache(maxsize=256)
def _tag(keyword: str) -> BaseTag:
    return Tag(keyword)


def item(*elements: bytes) -> bytes:
    """Return one item of a sequence, of known length; its elements must be in the order of their tags."""
    return _ITEM.pack(0xFFFE, 0xE000, sum(map(len, elements))) + b"".join(elements)


def sequence(keyword: str, *items: bytes) -> bytes:
    """Return a sequence of these items, of known length."""
    return element(keyword, "SQ", b"".join(items))


def encoded(dataset: Dataset, encodings: list[str] | None = None) -> bytes:
    """Return a data set as pydicom writes it, texts in these encodings (Python's names), by default in ASCII."""
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, dataset, encodings or ["ascii"])
    return buffer.getvalue()


def encodings_of(result: Dataset) -> list[str]:
    """Return the encodings of a result's texts (Python's names), once its character set is settled."""
    return convert_encodings(result.get("SpecificCharacterSet"))


def attach_sequences(result: Dataset, sequences: Mapping[str, bytes]) -> None:
    """Give ``result`` sequences of encoded items, by keyword, as if it had been read: parsed when someone looks.

    The character set of ``result`` must be settled before, as encoded texts stay as they are.
    """
    # pydicom writes encoded items as they are only if it takes the whole for read, and then corrects no VR.
    correct_ambiguous_vr(result, True)
    for keyword, items in sequences.items():
        tag = Tag(keyword)
        result[tag] = RawDataElement(tag, "SQ", len(items), items, 0, False, True)
    named = "SpecificCharacterSet" in result
    result.set_original_encoding(False, True, encodings_of(result) if named else None)
