"""pydicom reads the headers that are not of the ordinary kind: it is the reference, kept within bounds."""

from __future__ import annotations

import os
import struct
from io import BufferedReader, BytesIO, FileIO

from pydicom import dcmread
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.filereader import _read_file_meta_info, read_dataset, read_preamble
from pydicom.tag import BaseTag
from pydicom.uid import DeflatedExplicitVRLittleEndian, MediaStorageDirectoryStorage

from operators.read.attributes import MalformedAttributeError, uid
from operators.read.headers.deflated import DeflatedDataSet
from operators.read.headers.elements import PIXEL_DATA_TAGS

LARGEST_INFLATED_HEADER = 1 << 27
"""So many bytes of a deflated data set are inflated at most to find its header: a few can inflate to gigabytes."""

# Most headers fit into one read of this size; Python's default of 8 KiB costs several.
_BUFFER_BYTES = 1 << 16

# Tags of the pixel data elements as they stand in a little endian and in a big endian file.
_PIXEL_DATA_BYTES = frozenset(
    struct.pack(order, tag >> 16, tag & 0xFFFF) for tag in PIXEL_DATA_TAGS for order in ("<HH", ">HH")
)


class NotAnInstanceError(ValueError):
    """The file is not a readable DICOM instance, and why."""


class MediaStorageDirectoryError(NotAnInstanceError):
    """The file is a DICOMDIR (PS3.10 section 8): a table of contents, not an instance."""


class _ClampedReader(BufferedReader):
    """Asks for no more than the file holds: Python would reserve whatever a damaged length announces."""

    def __init__(self, path: str, descriptor: int) -> None:
        super().__init__(FileIO(path, opener=lambda *_: os.dup(descriptor)), _BUFFER_BYTES)
        self._size = os.fstat(descriptor).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(size if size is None else min(size, self._size))


def read_header_with_pydicom(path: str, descriptor: int) -> tuple[FileDataset, int | None]:
    """Return the data set before the pixel data, and the position of the pixel data's tag in the open file.

    The position is None when there is no pixel data or the data set is deflated.

    Raises :class:`NotAnInstanceError`, and for a damaged file whatever pydicom raises.
    """
    with _ClampedReader(path, descriptor) as stream:
        stream.seek(0)
        preamble = read_preamble(stream, force=False)
        file_meta = _read_file_meta_info(stream)
        if _is_directory(file_meta):
            raise MediaStorageDirectoryError("a DICOMDIR")
        if file_meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
            return _read_deflated(path, descriptor, stream.tell(), preamble, file_meta), None
        stream.seek(0)
        dataset = dcmread(stream, stop_before_pixels=True)
        end = stream.tell()
        return dataset, end if stream.read(4) in _PIXEL_DATA_BYTES else None


def _is_directory(file_meta: FileMetaDataset) -> bool:
    try:
        return uid(file_meta, "MediaStorageSOPClassUID") == MediaStorageDirectoryStorage
    # The class that counts stands in the data set.
    except MalformedAttributeError:
        return False


def _read_deflated(
    path: str, descriptor: int, start: int, preamble: bytes | None, file_meta: FileMetaDataset
) -> FileDataset:
    deflated = DeflatedDataSet(descriptor, start)
    deflated.inflate(LARGEST_INFLATED_HEADER)
    stream = BytesIO(deflated.data)
    dataset = read_dataset(stream, False, True, stop_when=_is_pixel_data)
    if stream.tell() == len(deflated.data) and not deflated.is_complete:
        raise NotAnInstanceError(f"the header is longer than {LARGEST_INFLATED_HEADER} bytes")
    result = FileDataset(path, dataset, preamble, file_meta, False, True)
    result.set_original_encoding(False, True, dataset.original_character_set)
    return result


def _is_pixel_data(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return tag in PIXEL_DATA_TAGS
