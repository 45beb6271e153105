"""Read the header of a file: every attribute before the pixel data, as pydicom reads it, in a fraction of the time."""

from __future__ import annotations

import os
import stat
import struct
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.tag import BaseTag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
    PrivateTransferSyntaxes,
)

from operators.read.headers.deflated import DeflatedDataSet
from operators.read.headers.elements import (
    EXPLICIT_VRS,
    PIXEL_DATA_TAGS,
    MoreBytesNeededError,
    UnusualEncodingError,
    known_tag,
    walk_elements,
    walk_file_meta,
)
from operators.read.headers.kind import Kind, LazyElements
from operators.read.headers.lazy import lazy_file_dataset, lazy_file_meta, ordinary
from operators.read.headers.ordinary import ordinary_uid
from operators.read.headers.pydicom_objects import file_dataset, file_meta_dataset
from operators.read.headers.reference import (
    LARGEST_INFLATED_HEADER,
    MediaStorageDirectoryError,
    NotAnInstanceError,
    read_header_with_pydicom,
)
from operators.read.headers.template import Template
from operators.read.headers.template_parts import Elements

_PREFIX = b"DICM"
_PREAMBLE_BYTES = 128

_MEDIA_STORAGE_SOP_CLASS = known_tag(0x00020002)
_TRANSFER_SYNTAX = known_tag(0x00020010)
_SERIES_INSTANCE_UID = known_tag(0x0020000E)

# The bytes read first hold most headers; after a longer one, they hold one that is a little longer still.
_FIRST_BYTES = 1 << 13
_MOST_FIRST_BYTES = 1 << 20
_SPARE_BYTES = 1 << 12

# Inflated at first; most headers are shorter.
_FIRST_INFLATED_BYTES = 1 << 18

# Series whose files may lie mixed in one folder before their headers are walked anew each time.
_TEMPLATES = 8

_PIXEL_DATA_HEADS = tuple(struct.pack("<HH", tag >> 16, tag & 0xFFFF) for tag in PIXEL_DATA_TAGS)


class _File(NamedTuple):
    """An open file."""

    descriptor: int
    path: str
    size: int
    modified: float


class Header(NamedTuple):
    """The attributes before the pixel data of a file, and the position of the pixel data's tag in it.

    The position is None when there is no pixel data or the data set is deflated.
    """

    dataset: FileDataset
    file_meta: FileMetaDataset
    pixel_data_offset: int | None


class HeaderReader:
    """Reads the headers of many files, each with the help of those before: neighbours are nearly the same.

    What it returns equals ``pydicom.dcmread(path, stop_before_pixels=True)`` element by element. Ordinary little
    endian files it walks itself, sharing the elements that are the same in several files; all others pydicom reads.
    Positions within a sequence of undefined length count from its beginning, as they do in pydicom for one of defined
    length.
    """

    def __init__(self) -> None:
        self._first_bytes = _FIRST_BYTES
        self._file_meta_template: Template | None = None
        self._templates: list[Template] = []
        self._syntaxes: dict[Kind | None, UID] = {}

    def read(self, path: Path) -> tuple[FileDataset, int | None]:
        """Return the data set of :meth:`read_lazily` with all of its elements made, and the pixel data's position."""
        dataset, file_meta, pixel_data_offset = self.read_lazily(path)
        ordinary(file_meta)
        return ordinary(dataset), pixel_data_offset

    def read_lazily(self, path: Path) -> Header:
        """Return the header of a file; its elements are made when they are asked for.

        A file without the preamble and prefix of PS3.10 section 7.1 is read if its bytes, from the first on, are a data
        set in little endian; its Transfer Syntax UID is then what they are found to be. The file is closed again.

        Raises :class:`NotAnInstanceError`, ``OSError``, and for a damaged file whatever pydicom raises.
        """
        # Opening a named pipe would otherwise wait for a writer for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise NotAnInstanceError("not a regular file")
            if status.st_size == 0:
                raise NotAnInstanceError("the file is empty")
            return self._read(_File(descriptor, str(path), status.st_size, status.st_mtime))
        finally:
            os.close(descriptor)

    def _read(self, file: _File) -> Header:
        wanted = self._first_bytes
        while True:
            data = os.pread(file.descriptor, wanted, 0)
            size = file.size if len(data) == wanted else len(data)
            has_prefix = data.startswith(_PREFIX, _PREAMBLE_BYTES)
            try:
                header = self._walk(file, data, size) if has_prefix else self._walk_bare(file, data, size)
                end = header.pixel_data_offset or size
                self._first_bytes = max(_FIRST_BYTES, min(end + _SPARE_BYTES, _MOST_FIRST_BYTES))
                return header
            except MoreBytesNeededError as more:
                wanted = min(max(2 * wanted, more.args[0] + _SPARE_BYTES), size)
            except UnusualEncodingError:
                if not has_prefix:
                    raise NotAnInstanceError(
                        "not a DICOM file (no 'DICM' after the preamble, PS3.10 section 7.1)"
                    ) from None
                dataset, pixel_data_offset = read_header_with_pydicom(file.path, file.descriptor)
                return Header(dataset, dataset.file_meta, pixel_data_offset)

    def _walk(self, file: _File, data: bytes, size: int) -> Header:
        file_meta, start = self._file_meta(data, _PREAMBLE_BYTES + len(_PREFIX), size)
        syntax = self._syntax(file_meta)
        implicit = syntax == ImplicitVRLittleEndian
        elements: Elements | LazyElements
        end: int | None = None
        if syntax == DeflatedExplicitVRLittleEndian:
            elements = _deflated_elements(file, start)
        else:
            elements, end = self._elements(data, start, implicit, size)
        return _header(file, data[:_PREAMBLE_BYTES], file_meta, elements, implicit, end)

    def _walk_bare(self, file: _File, data: bytes, size: int) -> Header:
        """Walk a data set without preamble: its encoding shows in its first element, and must hold to the last."""
        file_meta, start = _as_dictionary(walk_file_meta(data, 0, size), 0)
        implicit = data[start + 4 : start + 6] not in EXPLICIT_VRS
        found = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
        syntax = _uid(file_meta.setdefault(_TRANSFER_SYNTAX, _uid_element(_TRANSFER_SYNTAX, found)))
        if not data.startswith(b"\x08\x00", start) or implicit != (syntax == ImplicitVRLittleEndian):
            raise UnusualEncodingError
        if not syntax or syntax in (DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, *PrivateTransferSyntaxes):
            raise UnusualEncodingError
        elements, end = self._elements(data, start, implicit, size)
        return _header(file, None, file_meta, elements, implicit, end)

    def _file_meta(self, data: bytes, start: int, size: int) -> tuple[Elements | LazyElements, int]:
        if self._file_meta_template is not None:
            found = self._file_meta_template.walk(data, start, size)
            if found is not None and not data.startswith(b"\x02\x00", found[1]):
                return found
        elements, end = _as_dictionary(walk_file_meta(data, start, size), start)
        self._file_meta_template = Template(data, list(elements.values()))
        return elements, end

    def _syntax(self, file_meta: Elements | LazyElements) -> UID:
        """Transfer syntax of a file, if it is one that is walked here."""
        kind = file_meta.kind if isinstance(file_meta, LazyElements) else None
        if kind in self._syntaxes:
            return self._syntaxes[kind]
        if _uid(file_meta.get(_MEDIA_STORAGE_SOP_CLASS)) == MediaStorageDirectoryStorage:
            raise MediaStorageDirectoryError("a DICOMDIR")
        syntax = _uid(file_meta.get(_TRANSFER_SYNTAX))
        if not syntax or syntax == ExplicitVRBigEndian or syntax in PrivateTransferSyntaxes:
            raise UnusualEncodingError
        if kind is not None and kind.varying.keys().isdisjoint((_MEDIA_STORAGE_SOP_CLASS, _TRANSFER_SYNTAX)):
            self._syntaxes[kind] = syntax
        return syntax

    def _elements(
        self, data: bytes, start: int, implicit: bool, size: int
    ) -> tuple[Elements | LazyElements, int | None]:
        """Elements of the data set, and where its pixel data begins."""
        for template in self._templates:
            if template.implicit == implicit:
                found = template.walk(data, start, size)
                if found is not None and _is_header_end(data, found[1], implicit, size):
                    return found[0], found[1] if found[1] < size else None
        elements, end = _as_dictionary(walk_elements(data, start, implicit, size), start)
        if not elements:
            raise UnusualEncodingError
        template = Template(data, list(elements.values()), _SERIES_INSTANCE_UID)
        if template.is_pinned:
            self._templates = [template, *self._templates[: _TEMPLATES - 1]]
        return elements, end if end < size else None


def _header(
    file: _File,
    preamble: bytes | None,
    file_meta: Elements | LazyElements,
    elements: Elements | LazyElements,
    implicit: bool,
    pixel_data_offset: int | None,
) -> Header:
    meta = lazy_file_meta(file_meta) if isinstance(file_meta, LazyElements) else file_meta_dataset(file_meta)
    if isinstance(elements, LazyElements):
        dataset = lazy_file_dataset(elements, file.path, file.modified, preamble, meta, implicit)
    else:
        dataset = file_dataset(elements, file.path, file.modified, preamble, meta, implicit)
    return Header(dataset, meta, pixel_data_offset)


def _deflated_elements(file: _File, start: int) -> Elements:
    deflated = DeflatedDataSet(file.descriptor, start)
    wanted = _FIRST_INFLATED_BYTES
    while True:
        deflated.inflate(wanted)
        size = len(deflated.data) if deflated.is_complete else sys.maxsize
        try:
            return _as_dictionary(walk_elements(deflated.data, 0, False, size), 0)[0]
        except MoreBytesNeededError as more:
            if more.args[0] > LARGEST_INFLATED_HEADER:
                raise NotAnInstanceError(f"the header is longer than {LARGEST_INFLATED_HEADER} bytes") from None
            wanted = min(max(4 * wanted, more.args[0]), LARGEST_INFLATED_HEADER)


def _as_dictionary(walked: Iterable[tuple[RawDataElement, int]], start: int) -> tuple[Elements, int]:
    elements = {}
    for element, behind in walked:
        elements[element.tag] = element
        start = behind
    return elements, start


def _is_header_end(data: bytes, position: int, implicit: bool, size: int) -> bool:
    if position == size:
        return True
    if not data.startswith(_PIXEL_DATA_HEADS, position) or position + 12 > len(data):
        return False
    return implicit or data[position + 4 : position + 6] in EXPLICIT_VRS


def _uid(element: RawDataElement | None) -> UID | None:
    if element is None:
        return None
    found = ordinary_uid(element.value)
    if found is None or element.VR != "UI":
        raise UnusualEncodingError
    return found


def _uid_element(tag: BaseTag, uid: str) -> RawDataElement:
    value = uid.encode() + b"\0" * (len(uid) % 2)
    return RawDataElement(tag, "UI", len(value), value, 0, False, True)
