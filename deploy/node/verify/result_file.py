"""A result as a file: preamble, File Meta Information (PS3.10 section 7.1), transfer syntax, data set."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian

from deploy.node.verify.elements import EncodingError, Item, tag_name, tag_of
from deploy.node.verify.encoding import read_data_set
from operators.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

_PREFIX = b"\0" * 128 + b"DICM"

_GROUP_LENGTH_BYTES = 12
_END_OF_GROUP = 0x00030000


@dataclass(frozen=True)
class ResultFile:
    """A result as it was read again: ``meta`` is the File Meta Information, ``root`` the data set."""

    path: Path
    meta: Item
    root: Item

    @property
    def name(self) -> str:
        """The file's name in the output folder."""
        return self.path.name

    @property
    def output(self) -> str:
        """The output's name in the manifest."""
        return self.path.stem

    @property
    def transfer_syntax(self) -> UID:
        """Transfer syntax of the data set."""
        return UID(self.meta.text("TransferSyntaxUID"))

    @property
    def sop_class_uid(self) -> str:
        """SOP Class UID of the data set; empty if it has none."""
        return self.root.text("SOPClassUID")

    @property
    def sop_instance_uid(self) -> str:
        """SOP Instance UID of the data set; empty if it has none."""
        return self.root.text("SOPInstanceUID")


def read_result(path: Path) -> ResultFile:
    """Read a file and every element in it. Raises :class:`OSError`, or :class:`ValueError` for a damaged one."""
    data = path.read_bytes()
    start = len(_PREFIX)
    if data[:start] != _PREFIX:
        raise EncodingError("the file does not begin with an empty preamble and 'DICM'")
    length = read_data_set(data[start : start + _GROUP_LENGTH_BYTES], 0, encapsulated=False)
    end = start + _GROUP_LENGTH_BYTES + (length.integer("FileMetaInformationGroupLength") or 0)
    if end > len(data):
        raise EncodingError("the File Meta Information is cut off")
    meta = read_data_set(data[:end], start, encapsulated=False)
    syntax = UID(meta.text("TransferSyntaxUID"))
    if not syntax.is_transfer_syntax or syntax.is_implicit_VR or syntax == ExplicitVRBigEndian:
        raise EncodingError(f"the transfer syntax {syntax.name or '(none)'} is none that results are written in")
    if syntax == DeflatedExplicitVRLittleEndian:
        data, end = _inflated(data[end:]), 0
    return ResultFile(path, meta, read_data_set(data, end, encapsulated=syntax.is_encapsulated))


def _inflated(data: bytes) -> bytes:
    decompressor = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = decompressor.decompress(data) + decompressor.flush()
    except zlib.error as error:
        raise EncodingError(f"the data set cannot be inflated: {error}") from error
    # One byte of padding may follow, so that the length is even (PS3.5 section A.5).
    if not decompressor.eof or len(decompressor.unused_data) > 1:
        raise EncodingError("the deflated data set does not end with the file")
    return inflated


def file_problems(result: ResultFile) -> Iterator[str]:
    """Yield what is wrong with the File Meta Information."""
    meta = result.meta
    if meta.text("MediaStorageSOPClassUID") != result.sop_class_uid:
        yield "the File Meta Information names another SOP class than the data set"
    if meta.text("MediaStorageSOPInstanceUID") != result.sop_instance_uid:
        yield "the File Meta Information names another SOP instance than the data set"
    version = meta.get("FileMetaInformationVersion")
    if version is None or version.value != b"\0\1":
        yield "the File Meta Information has no version 1"
    for keyword, expected in (
        ("ImplementationClassUID", IMPLEMENTATION_CLASS_UID),
        ("ImplementationVersionName", IMPLEMENTATION_VERSION_NAME),
    ):
        if meta.text(keyword) != expected:
            yield f"{keyword} is {meta.text(keyword)!r}, not {expected!r}"
    for tag in sorted(meta.elements.keys() - _FILE_META):
        yield f"{tag_name(tag)} does not belong to the File Meta Information of a result"
    for tag in result.root.elements:
        if tag < _END_OF_GROUP:
            yield f"{tag_name(tag)} stands in the data set instead of the File Meta Information"


_FILE_META = frozenset(
    tag_of(keyword)
    for keyword in (
        "FileMetaInformationGroupLength",
        "FileMetaInformationVersion",
        "MediaStorageSOPClassUID",
        "MediaStorageSOPInstanceUID",
        "TransferSyntaxUID",
        "ImplementationClassUID",
        "ImplementationVersionName",
    )
)
