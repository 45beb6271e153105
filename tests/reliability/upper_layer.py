"""A DICOM requestor of a few functions, independent of the node's own and of pynetdicom: bytes out, bytes in.

PDUs are those of PS3.8 section 9.3, command sets those of PS3.7 annex E. What it sends it sends unchanged, so that a
test knows every byte; and the bytes of a conversation can be had without sending them, to be spoilt.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

VERIFICATION = "1.2.840.10008.1.1"
IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"

SUCCESS = 0x0000

_APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
_IMPLEMENTATION = "2.25.118342118341571206438150563519346151347"

_ASSOCIATE_AC, _ASSOCIATE_RJ, _P_DATA, _RELEASE_RP = 0x02, 0x03, 0x04, 0x06

ABORT = b"\x07\0\0\0\0\x04\0\0\0\0"
RELEASE_REQUEST = b"\x05\0\0\0\0\x04\0\0\0\0"

_C_STORE_RQ, _C_ECHO_RQ = 0x0001, 0x0030
_NO_DATA_SET = 0x0101


class EndedError(ConnectionError):
    """The peer closed, reset or aborted the connection, or did not answer in time."""


class RejectedError(EndedError):
    """The peer rejected the association."""


@dataclass(frozen=True)
class Proposal:
    """One presentation context: its odd ID, abstract syntax and transfer syntaxes."""

    identifier: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...] = (EXPLICIT,)


def item(kind: int, content: bytes) -> bytes:
    """One item or sub-item of an A-ASSOCIATE PDU."""
    return struct.pack(">BBH", kind, 0, len(content)) + content


def pdu(kind: int, content: bytes) -> bytes:
    """One PDU."""
    return struct.pack(">BBI", kind, 0, len(content)) + content


def associate_request(
    proposals: Sequence[Proposal],
    *,
    calling: str = "SCANNER",
    called: str = "GANTRY",
    maximum_length: int = 65536,
) -> bytes:
    """An A-ASSOCIATE-RQ PDU (PS3.8 9.3.2)."""
    contexts = b"".join(
        item(
            0x20,
            bytes((each.identifier, 0, 0, 0))
            + item(0x30, each.abstract_syntax.encode())
            + b"".join(item(0x40, syntax.encode()) for syntax in each.transfer_syntaxes),
        )
        for each in proposals
    )
    user = item(0x51, struct.pack(">I", maximum_length)) + item(0x52, _IMPLEMENTATION.encode())
    return pdu(
        0x01,
        struct.pack(">HH16s16s32x", 1, 0, called.ljust(16).encode(), calling.ljust(16).encode())
        + item(0x10, _APPLICATION_CONTEXT.encode())
        + contexts
        + item(0x50, user),
    )


def p_data(context: int, fragment: bytes, *, command: bool, last: bool) -> bytes:
    """A P-DATA-TF PDU with one presentation data value (PS3.8 9.3.5)."""
    return pdu(0x04, struct.pack(">IBB", len(fragment) + 2, context, command | last << 1) + fragment)


def command_set(elements: Sequence[tuple[int, bytes]]) -> bytes:
    """A command set in Implicit VR Little Endian with its group length (PS3.7 6.3.1)."""
    content = b"".join(struct.pack("<HHI", 0, element, len(value)) + value for element, value in elements)
    return struct.pack("<HHII", 0, 0, 4, len(content)) + content


def uid_value(uid: str) -> bytes:
    """A UID as a value, padded to even length."""
    value = uid.encode()
    return value + b"\0" * (len(value) % 2)


def us(number: int) -> bytes:
    """An unsigned short as a value."""
    return struct.pack("<H", number)


def store_command(message: int, sop_class: str, sop_instance: str) -> bytes:
    """The command set of a C-STORE-RQ (PS3.7 table 9.3-1)."""
    return command_set(
        [
            (0x0002, uid_value(sop_class)),
            (0x0100, us(_C_STORE_RQ)),
            (0x0110, us(message)),
            (0x0700, us(0)),
            (0x0800, us(0)),
            (0x1000, uid_value(sop_instance)),
        ]
    )


def echo_command(message: int) -> bytes:
    """The command set of a C-ECHO-RQ (PS3.7 table 9.3-12)."""
    return command_set(
        [(0x0002, uid_value(VERIFICATION)), (0x0100, us(_C_ECHO_RQ)), (0x0110, us(message)), (0x0800, us(_NO_DATA_SET))]
    )


def message(context: int, command: bytes, data_set: bytes | None, *, maximum_length: int = 65536) -> Iterator[bytes]:
    """The PDUs of a message: its command set, and its data set in fragments that the peer takes."""
    yield p_data(context, command, command=True, last=True)
    if data_set is None:
        return
    size = maximum_length - 6
    view = memoryview(data_set)
    for start in range(0, max(len(view), 1), size):
        yield p_data(context, bytes(view[start : start + size]), command=False, last=start + size >= len(view))


class Association:
    """An association that was requested; leaving it as a context manager releases it."""

    def __init__(
        self,
        port: int,
        proposals: Sequence[Proposal],
        *,
        host: str = "127.0.0.1",
        calling: str = "SCANNER",
        called: str = "GANTRY",
        seconds: float = 30.0,
    ) -> None:
        """Raises :class:`EndedError`, and :class:`RejectedError` where the peer says so."""
        self._messages = 0
        self.maximum_length = 65536
        self.accepted: dict[int, str] = {}
        try:
            self.socket = socket.create_connection((host, port), timeout=seconds)
        except OSError as error:
            raise EndedError(str(error)) from error
        try:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.send(associate_request(proposals, calling=calling, called=called))
            kind, content = self.receive()
            if kind == _ASSOCIATE_RJ:
                raise RejectedError(f"rejected: result {content[1]}, source {content[2]}, reason {content[3]}")
            if kind != _ASSOCIATE_AC:
                raise EndedError(f"answered an association with PDU {kind}")
            self._negotiated(content)
        except BaseException:
            self.socket.close()
            raise

    def store(self, context: int, sop_class: str, sop_instance: str, data_set: bytes) -> int:
        """C-STORE; return the status. Raises :class:`EndedError`."""
        self._messages = self._messages % 0xFFFF + 1
        command = store_command(self._messages, sop_class, sop_instance)
        # Few large writes: a sender must not be what limits the node.
        self.send(b"".join(message(context, command, data_set, maximum_length=self.maximum_length)))
        return self.status()

    def echo(self, context: int) -> int:
        """C-ECHO; return the status. Raises :class:`EndedError`."""
        self._messages = self._messages % 0xFFFF + 1
        self.send(p_data(context, echo_command(self._messages), command=True, last=True))
        return self.status()

    def send(self, content: bytes) -> None:
        """Send bytes as they are. Raises :class:`EndedError`."""
        try:
            self.socket.sendall(content)
        except OSError as error:
            raise EndedError(str(error)) from error

    def receive(self) -> tuple[int, bytes]:
        """Return the type and the content of the next PDU. Raises :class:`EndedError`."""
        kind, _, length = struct.unpack(">BBI", self._exactly(6))
        content = self._exactly(length)
        if hasattr(socket, "TCP_QUICKACK"):
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return kind, content

    def status(self) -> int:
        """Return the status in the next message that the peer sends. Raises :class:`EndedError`."""
        command = b""
        while True:
            kind, content = self.receive()
            if kind != _P_DATA:
                raise EndedError(f"answered a request with PDU {kind}")
            position = 0
            while position < len(content):
                length, _, control = struct.unpack_from(">IBB", content, position)
                if control & 1:
                    command += content[position + 6 : position + 4 + length]
                    if control & 2:
                        return _status_of(command)
                position += 4 + length

    def release(self) -> None:
        """Release the association and wait for the answer. Raises :class:`EndedError`."""
        self.send(RELEASE_REQUEST)
        kind, _ = self.receive()
        self.socket.close()
        if kind != _RELEASE_RP:
            raise EndedError(f"answered a release with PDU {kind}")

    def abort(self) -> None:
        """Abort the association."""
        try:
            self.send(ABORT)
        finally:
            self.socket.close()

    def __enter__(self) -> Association:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self.socket.fileno() >= 0:
            self.release()
        self.socket.close()

    def _negotiated(self, content: bytes) -> None:
        position = 68
        while position < len(content):
            kind, _, length = struct.unpack_from(">BBH", content, position)
            inner = content[position + 4 : position + 4 + length]
            if kind == 0x21 and inner[2] == 0:
                self.accepted[inner[0]] = inner[8:].decode()
            if kind == 0x50:
                offset = 0
                while offset < len(inner):
                    sub_kind, _, sub_length = struct.unpack_from(">BBH", inner, offset)
                    if sub_kind == 0x51:
                        (limit,) = struct.unpack_from(">I", inner, offset + 4)
                        self.maximum_length = min(limit, 1 << 20) or self.maximum_length
                    offset += 4 + sub_length
            position += 4 + length

    def _exactly(self, count: int) -> bytes:
        parts: list[bytes] = []
        while count:
            try:
                part = self.socket.recv(min(count, 1 << 20))
            except OSError as error:
                raise EndedError(str(error)) from error
            if not part:
                raise EndedError("the peer closed the connection")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


def _status_of(command: bytes) -> int:
    position = 0
    while position < len(command):
        group, element, length = struct.unpack_from("<HHI", command, position)
        if (group, element) == (0x0000, 0x0900):
            (status,) = struct.unpack_from("<H", command, position + 8)
            return int(status)
        position += 8 + length
    raise EndedError("answered without a status")
