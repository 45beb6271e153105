"""One part of a request for storing: a DICOM file (PS3.10), whose data set goes on into the spool as it comes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from deploy.node.header import is_uid
from deploy.node.receive.statuses import CANNOT_UNDERSTAND
from deploy.node.receive.storing import RefusedError, StoreTransfer
from deploy.node.spool import StoredInstance
from deploy.node.web.result import Named

_PREAMBLE_BYTES = 128
_GROUP_LENGTH_BYTES = 12
_START_BYTES = _PREAMBLE_BYTES + 4 + _GROUP_LENGTH_BYTES
_GROUP_LENGTH = struct.pack("<HH2sH", 2, 0, b"UL", 4)

_MAXIMUM_META_BYTES = 1 << 16
"""File Meta Information has some hundred bytes; private information may be in it."""


@dataclass(frozen=True)
class FileIdentity:
    """What the File Meta Information says that the file is."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str


class InstancePart:
    """Takes the bytes of one part; ``begin`` makes the transfer into the spool, as for a C-STORE request."""

    def __init__(self, begin: Callable[[FileIdentity], StoreTransfer]) -> None:
        self.named = Named()
        """What the instance is, as soon as it is known."""
        self._begin = begin
        self._start = b""
        self._transfer: StoreTransfer | None = None

    def write(self, data: bytes) -> None:
        """Take the next bytes of the file. Raises :class:`RefusedError` where it is none; then the part is over."""
        if self._transfer is not None:
            self._transfer.write(memoryview(data))
            return
        self._start += data
        length = self._meta_length()
        if length is None or len(self._start) < _START_BYTES + length:
            return
        end = _START_BYTES + length
        identity = _read_identity(self._start[_START_BYTES:end])
        self.named = Named(identity.sop_class_uid, identity.sop_instance_uid)
        self._transfer = self._begin(identity)
        if len(self._start) > end:
            self._transfer.write(memoryview(self._start)[end:])
        self._start = b""

    def finish(self) -> StoredInstance:
        """Return when the instance is safe, as all has come. Raises :class:`RefusedError`; nothing is left then."""
        if self._transfer is None:
            raise RefusedError(CANNOT_UNDERSTAND, "the part is no DICOM file: it ends early")
        return self._transfer.finish()

    def discard(self) -> None:
        """Leave nothing behind of what has not been kept."""
        if self._transfer is not None:
            self._transfer.discard()

    def _meta_length(self) -> int | None:
        start = self._start
        if len(start) < _START_BYTES:
            return None
        if start[128:132] != b"DICM" or start[132:140] != _GROUP_LENGTH:
            raise RefusedError(CANNOT_UNDERSTAND, "the part is no DICOM file: it does not begin as PS3.10 demands")
        (length,) = struct.unpack_from("<I", start, 140)
        if length > _MAXIMUM_META_BYTES:
            raise RefusedError(CANNOT_UNDERSTAND, f"the File Meta Information says that it has {length} bytes")
        return int(length)


def _read_identity(content: bytes) -> FileIdentity:
    try:
        elements = read_dataset(BytesIO(content), is_implicit_VR=False, is_little_endian=True)
        return FileIdentity(
            _uid(elements, "MediaStorageSOPClassUID"),
            _uid(elements, "MediaStorageSOPInstanceUID"),
            _uid(elements, "TransferSyntaxUID"),
        )
    # Damage can make the parser raise nearly anything; whatever it is, nobody knows what follows.
    except Exception as error:
        text = f"the File Meta Information cannot be read: {type(error).__name__}: {error}"
        raise RefusedError(CANNOT_UNDERSTAND, text) from error


def _uid(elements: Dataset, keyword: str) -> str:
    uid = str(elements[keyword].value)
    # What goes into file names must be a UID and nothing else.
    if not is_uid(uid):
        raise ValueError(f"{keyword} is no UID: {uid[:70]!r}")
    return uid
