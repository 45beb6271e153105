"""The DICOM upper layer over TCP (PS3.8 section 9): PDUs from a blocking socket into one buffer, and back."""

from __future__ import annotations

import socket
import ssl
import struct
import time
from contextlib import suppress

ASSOCIATE_RQ, ASSOCIATE_AC, ASSOCIATE_RJ, P_DATA, RELEASE_RQ, RELEASE_RP, ABORT = range(1, 8)
"""PDU types (PS3.8 table 9-1)."""

SERVICE_PROVIDER = 2
NOT_SPECIFIED, UNRECOGNIZED_PDU, UNEXPECTED_PDU = 0, 1, 2
UNEXPECTED_PARAMETER, INVALID_PARAMETER = 5, 6
"""Source and reasons of an A-ABORT PDU (PS3.8 table 9-26)."""

LARGEST_ASSOCIATE_BYTES = 1 << 20
"""128 presentation contexts with every transfer syntax there is take a third of this."""

SLOWEST_BYTES_PER_SECOND = 1000
"""A PDU that comes more slowly than this, beyond the network timeout, is nobody's honest line."""

_HEADER = struct.Struct(">BxI")
_PDV = struct.Struct(">IBB")
_SMALLEST_BUFFER = 1 << 18
_LINGER_SECONDS = 1.0
_COMMAND, _LAST = 1, 2


class ProtocolError(Exception):
    """The peer broke the protocol: the reason of the A-ABORT, and what it did."""

    def __init__(self, reason: int, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class ConnectionEndedError(Exception):
    """The connection was closed or lost, or the peer fell silent."""


class Connection:
    """One TCP or TLS connection, used by one thread; :meth:`cut` may be called by another."""

    def __init__(self, connection: socket.socket, *, silence_seconds: float, deadline: float, maximum_pdu: int) -> None:
        """Silence: how long nothing may come; ``deadline``: the monotonic time at which the association is over."""
        self._socket = connection
        self._silence = silence_seconds
        self._deadline = deadline
        self._maximum_pdu = maximum_pdu
        self._buffer = bytearray(max(_SMALLEST_BUFFER, maximum_pdu + _HEADER.size))
        self._view = memoryview(self._buffer)
        self._begin = self._end = 0
        self._quick = hasattr(socket, "TCP_QUICKACK")
        self.limit_silence(silence_seconds)
        # A message is written at once, and the peer may delay its acknowledgements.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def limit_silence(self, seconds: float) -> None:
        """Set how long the peer may neither send nor take anything."""
        self._silence = seconds
        if isinstance(self._socket, ssl.SSLSocket):
            self._socket.settimeout(seconds)
            return
        # The kernel's own timeout: Python's would take a second system call for each read.
        self._socket.settimeout(None)
        limit = struct.pack("@ll", int(seconds), int(seconds % 1 * 1e6))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)

    def read(self) -> tuple[int, memoryview]:
        """Return type and content of the next PDU; the content is valid until the next call.

        Raises :class:`ConnectionEndedError`, and :class:`ProtocolError` for what is no PDU, is too long or comes too
        slowly.
        """
        if self._end - self._begin < _HEADER.size:
            self._fill(_HEADER.size, self._deadline)
        kind, length = _HEADER.unpack_from(self._buffer, self._begin)
        self._check(kind, length)
        size = _HEADER.size + length
        if self._end - self._begin < size:
            slowest = time.monotonic() + self._silence + length / SLOWEST_BYTES_PER_SECOND
            self._fill(size, min(slowest, self._deadline))
        content = self._view[self._begin + _HEADER.size : self._begin + size]
        self._begin += size
        return kind, content

    def send(self, content: bytes) -> None:
        """Send bytes. Raises :class:`ConnectionEndedError`."""
        try:
            self._socket.sendall(content)
        except OSError as error:
            raise ConnectionEndedError("lost the connection") from error

    def abort(self, reason: int) -> None:
        """Send an A-ABORT PDU, if the peer still takes it."""
        with suppress(ConnectionEndedError):
            self.send(struct.pack(">BxIxxBB", ABORT, 4, SERVICE_PROVIDER, reason))

    def close(self) -> None:
        """Close the connection once the peer has, or a moment later (PS3.8 section 9.2, state 13)."""
        try:
            self.limit_silence(_LINGER_SECONDS)
            end = time.monotonic() + _LINGER_SECONDS
            # Unread bytes would make the kernel reset the connection, and the peer lose what was sent.
            while time.monotonic() < end and self._socket.recv_into(self._view):
                pass
        # It is gone already, or does not answer: that is its own affair now.
        except (OSError, ValueError):
            pass
        finally:
            self._socket.close()

    def cut(self) -> None:
        """End the connection from another thread: the one that reads sees its end."""
        # A connection that is over already cannot be cut.
        with suppress(OSError):
            if not isinstance(self._socket, ssl.SSLSocket):
                abort = struct.pack(">BxIxxBB", ABORT, 4, SERVICE_PROVIDER, NOT_SPECIFIED)
                self._socket.send(abort, socket.MSG_DONTWAIT)
            self._socket.shutdown(socket.SHUT_RDWR)

    def _check(self, kind: int, length: int) -> None:
        if kind == P_DATA:
            limit = self._maximum_pdu
        elif kind == ASSOCIATE_RQ:
            limit = LARGEST_ASSOCIATE_BYTES
        elif kind in (RELEASE_RQ, RELEASE_RP, ABORT):
            limit = 4
            if length != limit:
                raise ProtocolError(INVALID_PARAMETER, f"sent a PDU of type {kind} with {length} bytes")
        elif kind in (ASSOCIATE_AC, ASSOCIATE_RJ):
            raise ProtocolError(UNEXPECTED_PDU, f"sent a PDU of type {kind}, which answers nothing")
        else:
            raise ProtocolError(UNRECOGNIZED_PDU, f"sent what is no DICOM PDU (type {kind})")
        if length > limit:
            raise ProtocolError(INVALID_PARAMETER, f"sent a PDU of {length} bytes; {limit} were allowed")

    def _fill(self, size: int, deadline: float) -> None:
        """Read until ``size`` bytes from ``_begin`` on are there."""
        if self._begin + size > len(self._buffer):
            self._make_room(size)
        elif self._begin == self._end:
            self._begin = self._end = 0
        while self._end - self._begin < size:
            count = self._receive()
            self._end += count
            if time.monotonic() > deadline:
                raise ConnectionEndedError("took too long and was aborted")

    def _make_room(self, size: int) -> None:
        rest = self._view[self._begin : self._end]
        if size > len(self._buffer):
            buffer = bytearray(size)
            buffer[: len(rest)] = rest
            self._buffer, self._view = buffer, memoryview(buffer)
        else:
            self._view[: len(rest)] = rest
        self._begin, self._end = 0, len(rest)

    def _receive(self) -> int:
        try:
            count = self._socket.recv_into(self._view[self._end :])
            if self._quick:
                # DCMTK and many modalities write a message in two small parts and, with Nagle's algorithm, wait for
                # the first one's acknowledgement: 40 ms for each instance. The kernel forgets this (tcp(7)).
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        except (BlockingIOError, TimeoutError, ssl.SSLWantReadError) as error:
            raise ConnectionEndedError(f"fell silent for {self._silence:g} s") from error
        except OSError as error:
            raise ConnectionEndedError("lost the connection") from error
        if not count:
            raise ConnectionEndedError("lost the connection")
        return count


def presentation_data(content: memoryview) -> list[tuple[int, bool, bool, memoryview]]:
    """Return context ID, whether command, whether last, and the fragment of each PDV of a P-DATA-TF PDU (PS3.8 9.3.5).

    Raises :class:`ProtocolError`.
    """
    found = []
    position, size = 0, len(content)
    while position < size:
        if size - position < _PDV.size:
            raise ProtocolError(INVALID_PARAMETER, "sent a P-DATA-TF PDU whose last item ends early")
        length, context, control = _PDV.unpack_from(content, position)
        end = position + 4 + length
        if length < 2 or end > size:
            raise ProtocolError(INVALID_PARAMETER, f"sent a presentation data value of {length} bytes")
        found.append((context, bool(control & _COMMAND), bool(control & _LAST), content[position + 6 : end]))
        position = end
    return found


def encode_message(context: int, command: bytes, data_set: bytes, maximum_pdu: int) -> bytes:
    """Return the P-DATA-TF PDUs of a message, none longer than the peer allows (0: any length)."""
    # Six bytes are the item's own; a peer that allows less than any fragment cannot be answered otherwise.
    largest = max(maximum_pdu - 6, 2) if maximum_pdu else 1 << 20
    parts = []
    for content, control in ((command, _COMMAND), (data_set, 0)):
        for start in range(0, len(content), largest):
            fragment = content[start : start + largest]
            last = _LAST if start + largest >= len(content) else 0
            length = len(fragment)
            parts += [_HEADER.pack(P_DATA, length + 6), _PDV.pack(length + 2, context, control | last), fragment]
    return b"".join(parts)
