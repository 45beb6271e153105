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

from operators.read.deflated import DeflatedDataSet
from operators.read.elements import PIXEL_DATA_TAGS

LARGEST_HEADER = 1 << 28
"""More bytes before the pixel data are not read: damaged lengths announce gigabytes, deflated ones hold them."""

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
    """Asks for no more than the file holds and a header may have: Python would reserve what a length announces."""

    def __init__(self, path: str, descriptor: int) -> None:
        super().__init__(FileIO(path, opener=lambda *_: os.dup(descriptor)), _BUFFER_BYTES)
        self._size = os.fstat(descriptor).st_size
        self._done = 0

    def read(self, size: int | None = -1, /) -> bytes:
        size = self._size if size is None or size < 0 else min(size, self._size)
        self._done += size
        if self._done > LARGEST_HEADER:
            raise NotAnInstanceError(f"its header is longer than {LARGEST_HEADER} bytes")
        return super().read(size)


def read_header_with_pydicom(path: str, descriptor: int) -> tuple[FileDataset, int | None]:
    """Return the data set before the pixel data, and the position of the pixel data's tag in the open file.

    The position is None when there is no pixel data or the data set is deflated.

    Raises :class:`NotAnInstanceError`, and for a damaged file whatever pydicom raises.
    """
    with _ClampedReader(path, descriptor) as stream:
        stream.seek(0)
        preamble = read_preamble(stream, force=False)
        file_meta = _read_file_meta_info(stream)
        if file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
            raise MediaStorageDirectoryError("a DICOMDIR")
        if file_meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
            return _read_deflated(path, descriptor, stream.tell(), preamble, file_meta), None
        stream.seek(0)
        dataset = dcmread(stream, stop_before_pixels=True)
        end = stream.tell()
        return dataset, end if stream.read(4) in _PIXEL_DATA_BYTES else None


def _read_deflated(
    path: str, descriptor: int, start: int, preamble: bytes | None, file_meta: FileMetaDataset
) -> FileDataset:
    deflated = DeflatedDataSet(descriptor, start)
    deflated.inflate(LARGEST_HEADER)
    stream = BytesIO(deflated.data)
    dataset = read_dataset(stream, False, True, stop_when=_is_pixel_data)
    if stream.tell() == len(deflated.data) and not deflated.is_complete:
        raise NotAnInstanceError(f"its header is longer than {LARGEST_HEADER} bytes")
    result = FileDataset(path, dataset, preamble, file_meta, False, True)
    result.set_original_encoding(False, True, dataset.original_character_set)
    return result


def _is_pixel_data(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return tag in PIXEL_DATA_TAGS
