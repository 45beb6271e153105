"""DIMSE command sets (PS3.7 section 6.3 and annex E): implicit VR little endian, a handful of elements."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from deploy.node.receive.upper_layer import INVALID_PARAMETER, ProtocolError

C_STORE, C_ECHO, C_CANCEL = 0x0001, 0x0030, 0x0FFF
N_EVENT_REPORT, N_SET, N_ACTION, N_CREATE = 0x0100, 0x0120, 0x0130, 0x0140
RESPONSE = 0x8000
"""Command Field (PS3.7 table E.1-1)."""

NO_DATA_SET = 0x0101

MAXIMUM_COMMAND_BYTES = 1 << 14
"""A command set has a dozen short elements."""

Command = Mapping[str, str | int]
"""Values by keyword."""

_ELEMENT = struct.Struct("<HHI")
_SHORT = struct.Struct("<H")

_UID, _NUMBER, _TEXT = "UI", "US", "AE, LO"
_KEYWORDS = {
    0x0002: ("AffectedSOPClassUID", _UID),
    0x0003: ("RequestedSOPClassUID", _UID),
    0x0100: ("CommandField", _NUMBER),
    0x0110: ("MessageID", _NUMBER),
    0x0120: ("MessageIDBeingRespondedTo", _NUMBER),
    0x0700: ("Priority", _NUMBER),
    0x0800: ("CommandDataSetType", _NUMBER),
    0x0900: ("Status", _NUMBER),
    0x0902: ("ErrorComment", _TEXT),
    0x0903: ("ErrorID", _NUMBER),
    0x1000: ("AffectedSOPInstanceUID", _UID),
    0x1001: ("RequestedSOPInstanceUID", _UID),
    0x1002: ("EventTypeID", _NUMBER),
    0x1008: ("ActionTypeID", _NUMBER),
    0x1030: ("MoveOriginatorApplicationEntityTitle", _TEXT),
    0x1031: ("MoveOriginatorMessageID", _NUMBER),
}
_ELEMENTS = {keyword: (element, kind) for element, (keyword, kind) in _KEYWORDS.items()}


def decode_command(content: bytes) -> dict[str, str | int]:
    """Return the elements that are known here. Raises :class:`ProtocolError`."""
    found: dict[str, str | int] = {}
    position, size = 0, len(content)
    while position < size:
        if size - position < 8:
            raise ProtocolError(INVALID_PARAMETER, "sent a command set that ends early")
        group, element, length = _ELEMENT.unpack_from(content, position)
        position += 8
        if group != 0 or length > size - position:
            raise ProtocolError(INVALID_PARAMETER, f"sent a command set with ({group:04X},{element:04X}) in it")
        if element in _KEYWORDS:
            keyword, kind = _KEYWORDS[element]
            if kind is _NUMBER:
                if length != 2:
                    raise ProtocolError(INVALID_PARAMETER, f"sent a command set whose {keyword} has {length} bytes")
                found[keyword] = _SHORT.unpack_from(content, position)[0]
            else:
                value = content[position : position + length]
                found[keyword] = value.decode("ascii", "replace").strip("\0 ")
        position += length
    return found


def encode_command(command: Command) -> bytes:
    """Return a command set, its group length included."""
    parts = []
    for element, kind, value in sorted((*_ELEMENTS[keyword], value) for keyword, value in command.items()):
        if isinstance(value, int):
            content = _SHORT.pack(value)
        else:
            content = value.encode("ascii", "replace")
            if len(content) % 2:
                content += b"\0" if kind is _UID else b" "
        parts.append(_ELEMENT.pack(0, element, len(content)) + content)
    elements = b"".join(parts)
    return _ELEMENT.pack(0, 0, 4) + struct.pack("<I", len(elements)) + elements


def comment(text: str) -> str:
    """Return a text as Error Comment (0000,0902) may hold it: LO, at most 64 characters of the default repertoire."""
    return text.replace("\\", "/").encode("ascii", "replace").decode()[:64]
