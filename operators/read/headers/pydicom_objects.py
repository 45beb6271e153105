"""pydicom's objects from elements that are already known, without the time that its constructors take.

pydicom's own constructors look at the file twice, check every tag and pass each attribute through ``Dataset``'s
``__setattr__``: longer than it takes to walk a header. Here they run once, and the rest are copies of what they made.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeVar

from pydicom.charset import default_encoding, python_encoding
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset

import operators.read.headers.character_sets  # noqa: F401 - corrects pydicom
from operators.read.headers.elements import SPECIFIC_CHARACTER_SET, UnusualEncodingError, known_tag
from operators.read.headers.kind import LazyElements
from operators.read.headers.template_parts import Elements

_AnyDataset = TypeVar("_AnyDataset", bound=Dataset)

_CHARACTER_SET = known_tag(SPECIFIC_CHARACTER_SET)


def file_dataset(
    elements: Elements, path: str, modified: float, preamble: bytes | None, file_meta: FileMetaDataset, implicit: bool
) -> FileDataset:
    """Return what ``pydicom.dcmread`` returns for a little endian file with these elements.

    ``modified`` is the time of the file's last change. Raises :class:`UnusualEncodingError` for a Specific Character
    Set (0008,0005) that pydicom would have to interpret.
    """
    own = {
        "_dict": elements,
        "file_meta": file_meta,
        "preamble": preamble,
        "filename": path,
        "timestamp": modified,
        "_read_charset": read_character_set(elements),
    }
    return _like(_empty_file_dataset(implicit), own)


def file_meta_dataset(elements: Elements) -> FileMetaDataset:
    """Return the File Meta Information that has these elements."""
    return _like(_empty_file_meta(), {"_dict": elements})


def read_character_set(elements: Elements | LazyElements) -> str | list[str]:
    """Return the encodings in which the texts of a data set were written, as pydicom names them.

    Raises :class:`UnusualEncodingError` where pydicom would have to interpret Specific Character Set (0008,0005).
    """
    element = elements.get(_CHARACTER_SET)
    return default_encoding if element is None else list(_encodings(element.VR, element.value or b""))


@lru_cache(maxsize=2)
def _empty_file_dataset(implicit: bool) -> FileDataset:
    return FileDataset("", {}, None, FileMetaDataset(), implicit, True)


@lru_cache(maxsize=1)
def _empty_file_meta() -> FileMetaDataset:
    file_meta = FileMetaDataset()
    file_meta.set_original_encoding(False, True, default_encoding)
    return file_meta


def _like(original: _AnyDataset, own: dict[str, object]) -> _AnyDataset:
    """Return a shallow copy, with dictionaries and attributes of its own."""
    copy = original.__class__.__new__(original.__class__)
    attributes = vars(copy)
    attributes.update(vars(original), _private_blocks={}, _pixel_array_opts={"use_pdh": False}, _pixel_id={})
    attributes.update(own)
    return copy


@lru_cache(maxsize=256)
def _encodings(vr: str | None, value: bytes) -> tuple[str, ...]:
    terms = value.rstrip(b" \0").decode("ascii", "replace").split("\\")
    extended = all(term.startswith("ISO 2022 IR ") or not term for term in terms)
    if vr not in (None, "CS") or any(term not in python_encoding for term in terms):
        raise UnusualEncodingError
    if len(terms) > 1 and not extended:
        raise UnusualEncodingError
    element = RawDataElement(_CHARACTER_SET, vr, len(value), value, 0, vr is None, True)
    encodings = Dataset({_CHARACTER_SET: element})._character_set
    return (encodings,) if isinstance(encodings, str) else tuple(encodings)
