"""File Meta Information (PS3.10 section 7.1): what stands before the data set in a DICOM file.

A file in the spool also says, in Private Information (0002,0102), how long its data set is and what its SHA-256 is: a
file whose bytes did not all reach the disk before a loss of power is known from itself.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from operators.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

_PREAMBLE = bytes(128) + b"DICM"
_GROUP_LENGTH = struct.Struct("<HH2sHI")

_CHECK = struct.Struct("<Q32s")
_CHECK_CREATOR = f"{IMPLEMENTATION_CLASS_UID}.1"
"""Private Information Creator UID (0002,0100): who knows what (0002,0102) holds."""

CHECK_BYTES = _CHECK.size
"""The self-check is the last element of the File Meta Information, and its value the last bytes before the data set."""


class NotDicomFileError(ValueError):
    """The file does not begin as :func:`encode` writes it."""


@dataclass(frozen=True)
class FileMeta:
    """What the network said about an instance."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    calling_ae_title: str
    called_ae_title: str


@dataclass(frozen=True)
class SelfCheck:
    """How many bytes the data set of a file has, and their SHA-256 (32 bytes)."""

    size: int
    sha256: bytes

    def encode(self) -> bytes:
        """Return the value of Private Information (0002,0102): always of one length, so that it can be patched."""
        return _CHECK.pack(self.size, self.sha256)


UNKNOWN_CHECK = SelfCheck(0, bytes(32))
"""Stands in a file until its data set has come. No data set has this digest."""


def encode(meta: FileMeta, check: SelfCheck | None = None) -> bytes:
    """Return preamble, prefix and File Meta Information, to be followed by the data set.

    With ``check`` the last :data:`CHECK_BYTES` are its value. The sender's AE title stands in Source (0002,0016), where
    archives look for it, and in Sending Application Entity Title (0002,0017).
    """
    elements = b"".join(
        (
            struct.pack("<HH2sHI", 2, 0x0001, b"OB", 0, 2) + b"\0\1",
            _text(0x0002, b"UI", meta.sop_class_uid),
            _text(0x0003, b"UI", meta.sop_instance_uid),
            _text(0x0010, b"UI", meta.transfer_syntax_uid),
            _text(0x0012, b"UI", IMPLEMENTATION_CLASS_UID),
            _text(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME),
            _text(0x0016, b"AE", meta.calling_ae_title),
            _text(0x0017, b"AE", meta.calling_ae_title),
            _text(0x0018, b"AE", meta.called_ae_title),
            b"" if check is None else _private(check),
        )
    )
    return _PREAMBLE + _GROUP_LENGTH.pack(2, 0, b"UL", 4, len(elements)) + elements


def decode(file: BinaryIO) -> FileMeta:
    """Read what :func:`encode` wrote and leave ``file`` at the first byte of the data set.

    Raises :class:`NotDicomFileError`.
    """
    return decode_checked(file)[0]


def decode_checked(file: BinaryIO) -> tuple[FileMeta, SelfCheck | None]:
    """Do the same and return the self-check, too; None where there is none, as in files of earlier versions."""
    start = file.read(len(_PREAMBLE) + _GROUP_LENGTH.size)
    if len(start) < len(_PREAMBLE) + _GROUP_LENGTH.size or start[128:132] != b"DICM":
        raise NotDicomFileError("no 'DICM' after the preamble")
    group, element, vr, _, length = _GROUP_LENGTH.unpack(start[132:])
    if (group, element, vr) != (2, 0, b"UL"):
        raise NotDicomFileError("no File Meta Information Group Length")
    content = file.read(length)
    found: dict[int, str] = {}
    private = b""
    position = 0
    while position < len(content):
        if len(content) - position < 8:
            raise NotDicomFileError("the File Meta Information ends early")
        _, element, vr, size = struct.unpack_from("<HH2sH", content, position)
        position += 8
        if vr == b"OB":
            if len(content) - position < 4:
                raise NotDicomFileError("the File Meta Information ends early")
            (size,) = struct.unpack_from("<I", content, position)
            position += 4
            if element == 0x0102:
                private = content[position : position + size]
        else:
            # Damage, such as bytes that never reached the disk, must not look like an error of another kind.
            found[element] = content[position : position + size].decode("ascii", "replace").rstrip("\0 ")
        position += size
    absent = {0x0002, 0x0003, 0x0010} - found.keys()
    if position != length or absent:
        raise NotDicomFileError("the File Meta Information is incomplete")
    meta = FileMeta(
        sop_class_uid=found[0x0002],
        sop_instance_uid=found[0x0003],
        transfer_syntax_uid=found[0x0010],
        calling_ae_title=found.get(0x0017, ""),
        called_ae_title=found.get(0x0018, ""),
    )
    if found.get(0x0100) != _CHECK_CREATOR or len(private) != CHECK_BYTES:
        return meta, None
    return meta, SelfCheck(*_CHECK.unpack(private))


def _private(check: SelfCheck) -> bytes:
    value = check.encode()
    return _text(0x0100, b"UI", _CHECK_CREATOR) + struct.pack("<HH2sHI", 2, 0x0102, b"OB", 0, len(value)) + value


def _text(element: int, vr: bytes, value: str) -> bytes:
    encoded = value.encode("ascii")
    if len(encoded) % 2:
        encoded += b"\0" if vr == b"UI" else b" "
    return struct.pack("<HH2sH", 2, element, vr, len(encoded)) + encoded
