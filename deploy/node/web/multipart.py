"""Multipart bodies (RFC 2046 5.1) taken apart as they come; nothing of a part is kept."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Protocol

MAXIMUM_HEADER_BYTES = 8192
"""How long the header fields of one part may be altogether."""

_MAXIMUM_BOUNDARY = 200
"""RFC 2046 allows 70 characters; Orthanc 1.10 sends 73."""

_PADDING = b" \t"


class MultipartError(ValueError):
    """The body is not what its Content-Type says."""


class PartSink(Protocol):
    """Gets the parts of a body."""

    def part_begun(self, fields: Mapping[str, str]) -> None:
        """A part begins; ``fields`` are its header fields, their names in lower case."""

    def part_data(self, data: bytes) -> None:
        """More of the part."""

    def part_ended(self) -> None:
        """The part is there completely."""


class _State(Enum):
    PREAMBLE = auto()
    DELIMITER = auto()
    FIELDS = auto()
    CONTENT = auto()
    EPILOGUE = auto()


class MultipartParser:
    """Feed it the body in any pieces; it tells ``sink`` of the parts."""

    def __init__(self, boundary: str, sink: PartSink) -> None:
        """Raises :class:`MultipartError` where ``boundary`` cannot be one."""
        if not 1 <= len(boundary) <= _MAXIMUM_BOUNDARY or not boundary.isascii() or not boundary.isprintable():
            raise MultipartError(f"a boundary has 1 to {_MAXIMUM_BOUNDARY} printable ASCII characters")
        self._delimiter = b"\r\n--" + boundary.encode("ascii")
        self._sink = sink
        self._state = _State.PREAMBLE
        # The delimiter's line break is missing where the body begins with it.
        self._buffer = bytearray(b"\r\n")

    def feed(self, data: bytes) -> None:
        """Take the next piece of the body. Raises :class:`MultipartError`."""
        if self._state is _State.EPILOGUE:
            return
        self._buffer += data
        while self._step():
            pass

    def finish(self) -> None:
        """Say that the body has ended. Raises :class:`MultipartError` if its last delimiter has not come."""
        if self._state is not _State.EPILOGUE:
            raise MultipartError("the body ends before its last delimiter")

    def _step(self) -> bool:
        """Take what can be taken from the buffer; return whether there may be more."""
        if self._state is _State.PREAMBLE:
            return self._search(told=False)
        if self._state is _State.DELIMITER:
            return self._after_delimiter()
        if self._state is _State.FIELDS:
            return self._fields()
        if self._state is _State.CONTENT:
            return self._search(told=True)
        self._buffer.clear()
        return False

    def _search(self, *, told: bool) -> bool:
        position = self._buffer.find(self._delimiter)
        # A delimiter may have come in part.
        end = position if position >= 0 else len(self._buffer) - len(self._delimiter) + 1
        if end > 0:
            if told:
                self._sink.part_data(bytes(memoryview(self._buffer)[:end]))
            del self._buffer[:end]
        if position < 0:
            return False
        del self._buffer[: len(self._delimiter)]
        if told:
            self._sink.part_ended()
        self._state = _State.DELIMITER
        return True

    def _after_delimiter(self) -> bool:
        if self._buffer.startswith(b"--"):
            self._state = _State.EPILOGUE
            return True
        end = self._buffer.find(b"\r\n")
        rest = self._buffer[:end] if end >= 0 else self._buffer.rstrip(b"\r").removeprefix(b"-")
        if rest.strip(_PADDING) or len(rest) > MAXIMUM_HEADER_BYTES:
            raise MultipartError("something stands after the boundary")
        if end < 0:
            return False
        # The line break stays: an empty line right here means that there are no header fields.
        del self._buffer[:end]
        self._state = _State.FIELDS
        return True

    def _fields(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end > MAXIMUM_HEADER_BYTES or (end < 0 and len(self._buffer) > MAXIMUM_HEADER_BYTES):
            raise MultipartError(f"the header fields of a part are longer than {MAXIMUM_HEADER_BYTES} bytes")
        if end < 0:
            return False
        fields: dict[str, str] = {}
        for line in bytes(self._buffer[2:end]).decode("latin-1").split("\r\n") if end > 2 else ():
            name, colon, value = line.partition(":")
            if not colon:
                raise MultipartError(f"{line[:60]!r} is no header field")
            fields[name.strip().lower()] = value.strip()
        del self._buffer[: end + 4]
        self._sink.part_begun(fields)
        self._state = _State.CONTENT
        return True
