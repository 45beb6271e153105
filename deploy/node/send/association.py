"""A requestor's association (PS3.8): negotiated by pynetdicom's PDUs, with data sets streamed from their files.

One thread, one socket, no queue between: the data set of a request goes to the network as it is read.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom.dsutils import decode, encode
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ, A_RELEASE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    A_RELEASE,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
)
from pynetdicom.presentation import build_context

from deploy.node.send.connection import Connection
from deploy.node.send.peer import NEGOTIATION_SECONDS, DestinationError, NothingAcceptedError, Peer
from operators.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

MAXIMUM_CONTEXTS = 128
"""Presentation context identifiers are the odd numbers from 1 to 255 (PS3.8 table 9-18)."""

_APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
_RECEIVED_PDU_BYTES = 65536
"""The largest P-DATA-TF that a peer may send: only responses and reports come this way."""

_OTHER_PDU_BYTES = 1 << 20
_RECEIVED_MESSAGE_BYTES = 64 << 20
"""More than any A-ASSOCIATE-AC and any N-EVENT-REPORT takes; what goes beyond is no DICOM."""

_FRAGMENT_BYTES = 1 << 17
"""The largest fragment sent to a peer that takes any; one that takes less gets less."""

_WRITE_BYTES = 1 << 20
"""How much of a data set is read and written at once, in as many PDUs as the peer's maximum length asks for."""

_RELEASE_SECONDS = 5.0

_ASSOCIATE_AC, _ASSOCIATE_RJ, _P_DATA, _RELEASE_RP, _ABORT = 0x02, 0x03, 0x04, 0x06, 0x07
_COMMAND, _LAST = 0x01, 0x02
"""Bits of the Message Control Header (PS3.8 E.2)."""

N_EVENT_REPORT_RQ = 0x0100
_RESPONSE = 0x8000
_NO_DATA_SET, _DATA_SET = 0x0101, 0x0001
_UNRECOGNIZED_OPERATION = 0x0211
_ABORT_PDU = struct.pack(">BBIBBBB", 0x07, 0, 4, 0, 0, 0, 0)

Contexts = Mapping[tuple[str, str], int]
"""Presentation context identifiers by abstract and transfer syntax."""

EventHandler = Callable[[Dataset, Dataset], int]
"""Takes command and data set of an N-EVENT-REPORT request and returns the status to answer."""


@dataclass(frozen=True)
class _Message:
    context_id: int
    command: Dataset
    data: bytes


class Association:
    """An association that is open. Every method raises :class:`DestinationError` once it is no more."""

    def __init__(
        self,
        connection: Connection,
        peer: Peer,
        proposed: Sequence[tuple[str, str]],
        *,
        on_event: EventHandler | None = None,
    ) -> None:
        """Negotiate one presentation context for each abstract and transfer syntax; close the connection on failure.

        ``on_event`` takes reports that the peer sends meanwhile. Raises :class:`DestinationError`.
        """
        self.peer = peer
        self.proposed = frozenset(proposed)
        self._on_event = on_event
        self._message_id = 0
        self._connection = connection
        try:
            self._negotiate(proposed)
        except BaseException:
            connection.close()
            raise

    accepted: Contexts
    """What the peer has accepted."""

    def request(self, context_id: int, command: Dataset, data: BinaryIO | None = None, length: int = 0) -> Dataset:
        """Send a request, with ``length`` bytes of ``data`` as its data set, and return the response's command set.

        An :class:`OSError` of ``data`` itself ends the association too, as the message cannot be completed.
        """
        self._message_id = self._message_id % 0xFFFF + 1
        command.MessageID = self._message_id
        command.CommandDataSetType = _NO_DATA_SET if data is None else _DATA_SET
        try:
            self._write_message(context_id, command, data, length)
            while True:
                message = self._read_message(self.peer.answer_seconds)
                if not message.command.CommandField & _RESPONSE:
                    self._answer(message)
                elif message.command.get("MessageIDBeingRespondedTo") == self._message_id:
                    return message.command
                else:
                    raise DestinationError(f"{self.peer} answered to a message that was not sent")
        except DestinationError:
            self.abort()
            raise
        except TimeoutError as error:
            self.abort()
            raise DestinationError(
                f"{self.peer} neither took nor sent anything for {self.peer.answer_seconds:g} s"
            ) from error
        except OSError as error:
            self.abort()
            raise DestinationError(f"{self.peer} ended the association: {error.strerror or error}") from error
        except BaseException:
            self.abort()
            raise

    def listen(self, seconds: float) -> bool:
        """Wait at most so long for a report of the peer and take it; return whether one came."""
        try:
            if not self._connection.has_input(seconds):
                return False
            message = self._read_message(self.peer.answer_seconds)
            if message.command.CommandField & _RESPONSE:
                raise DestinationError(f"{self.peer} answered to a message that was not sent")
            self._answer(message)
        except OSError as error:
            self.abort()
            raise DestinationError(f"{self.peer} ended the association: {error}") from error
        except BaseException:
            self.abort()
            raise
        return True

    def release(self) -> None:
        """End the association in order, or else at once."""
        try:
            pdu = A_RELEASE_RQ()
            pdu.from_primitive(A_RELEASE())
            self._connection.write(pdu.encode(), _RELEASE_SECONDS)
            # A peer that still sends data, instead of releasing, has had its time.
            while self._read_pdu(_RELEASE_SECONDS, _OTHER_PDU_BYTES)[0] == _P_DATA:
                continue
        # It is over either way: what was answered, was answered.
        except OSError:
            pass
        finally:
            self._connection.close()

    def abort(self) -> None:
        """End the association at once."""
        try:
            self._connection.write(_ABORT_PDU, 0.1)
        # The connection is gone already, or is stuck.
        except OSError:
            pass
        finally:
            self._connection.close()

    def _negotiate(self, proposed: Sequence[tuple[str, str]]) -> None:
        seconds = min(NEGOTIATION_SECONDS, self.peer.answer_seconds)
        request = _associate_request(self.peer, proposed)
        try:
            self._connection.write(request.encode(), seconds)
            kind, content = self._read_pdu(seconds, _OTHER_PDU_BYTES)
        except TimeoutError as error:
            raise DestinationError(f"{self.peer} did not answer within {seconds:g} s") from error
        except DestinationError:
            raise
        except OSError as error:
            raise DestinationError(f"{self.peer} ended the connection: {error.strerror or error}") from error
        try:
            if kind == _ASSOCIATE_RJ:
                rejection = A_ASSOCIATE_RJ()
                rejection.decode(content)
                raise DestinationError(f"{self.peer} rejected the association: {rejection.to_primitive().reason_str}")
            if kind != _ASSOCIATE_AC:
                raise DestinationError(f"{self.peer} answered to the association request with PDU type {kind:02X}")
            answer = A_ASSOCIATE_AC()
            answer.decode(content)
            acceptance = answer.to_primitive()
            results = acceptance.presentation_context_definition_results_list
            maximum = acceptance.maximum_length_received or 0
            accepted = {context.context_id for context in results if context.result == 0}
        except DestinationError:
            raise
        # What the peer sent is no such PDU: pynetdicom may raise nearly anything.
        except Exception as error:
            raise DestinationError(f"{self.peer} does not speak DICOM: {type(error).__name__}: {error}") from error
        if 0 < maximum < 8:
            raise DestinationError(f"{self.peer} takes no PDU longer than {maximum} bytes")
        # Six of the bytes are the item's length, the context's identifier and the control header; a fragment has an
        # even number of bytes (PS3.8 9.3.1, annex E).
        self._fragment_bytes = min(maximum - 6, _FRAGMENT_BYTES) & ~1 if maximum else _FRAGMENT_BYTES
        self.accepted = {
            pair: identifier
            for identifier, pair in zip(range(1, 256, 2), proposed, strict=False)
            if identifier in accepted
        }
        if not self.accepted:
            self.abort()
            names = sorted({UID(abstract).name for abstract, _ in proposed})
            # One that says nothing of what was offered is no peer that takes other kinds.
            text = f"{self.peer} accepts none of {', '.join(names)}"
            raise NothingAcceptedError(text, proposed) if results else DestinationError(text)

    def _write_message(self, context_id: int, command: Dataset, data: BinaryIO | None, length: int) -> None:
        encoded = _encode_command(command)
        pending = self._pdus(context_id, encoded, _COMMAND, last=True)
        while data is not None:
            want = min(length, self._fragment_bytes * max(1, _WRITE_BYTES // self._fragment_bytes))
            content = data.read(want)
            if len(content) < want:
                raise OSError("the file ended early")
            length -= want
            pending += self._pdus(context_id, content, 0, last=not length)
            self._connection.write(b"".join(pending), self.peer.answer_seconds)
            pending = []
            if not length:
                return
        self._connection.write(b"".join(pending), self.peer.answer_seconds)

    def _pdus(self, context_id: int, content: bytes, control: int, *, last: bool) -> list[bytes | memoryview]:
        """Cut content into P-DATA-TF PDUs of one fragment each (PS3.8 9.3.5); empty content is one empty fragment."""
        view = memoryview(content)
        parts: list[bytes | memoryview] = []
        for start in range(0, max(len(view), 1), self._fragment_bytes):
            piece = view[start : start + self._fragment_bytes]
            is_last = last and start + self._fragment_bytes >= len(view)
            header = control | (_LAST if is_last else 0)
            parts += (struct.pack(">BBIIBB", _P_DATA, 0, len(piece) + 6, len(piece) + 2, context_id, header), piece)
        return parts

    def _read_message(self, seconds: float) -> _Message:
        """Read one DIMSE message, of the peer's choice."""
        command: Dataset | None = None
        content = bytearray()
        while True:
            kind, pdu = self._read_pdu(seconds, _RECEIVED_PDU_BYTES + 6)
            if kind != _P_DATA:
                raise DestinationError(f"{self.peer} {_ENDINGS.get(kind, f'sent PDU type {kind:02X}')}")
            for context_id, control, fragment in _fragments(pdu):
                content += fragment
                if len(content) > _RECEIVED_MESSAGE_BYTES:
                    raise DestinationError(f"{self.peer} sent a message that does not end")
                if not control & _LAST:
                    continue
                if control & _COMMAND:
                    command = _decode_command(bytes(content))
                    content.clear()
                    if command.CommandDataSetType == _NO_DATA_SET:
                        return _Message(context_id, command, b"")
                elif command is not None:
                    return _Message(context_id, command, bytes(content))
                else:
                    raise DestinationError(f"{self.peer} sent a data set without a command set")

    def _read_pdu(self, seconds: float, maximum: int) -> tuple[int, bytes]:
        head = self._connection.read(6, seconds)
        kind, _, length = struct.unpack(">BBI", head)
        if length > maximum:
            raise DestinationError(f"{self.peer} sent a PDU of {length} bytes")
        body = self._connection.read(length, seconds)
        if kind == _ABORT:
            raise DestinationError(f"{self.peer} aborted the association")
        return kind, head + body

    def _answer(self, message: _Message) -> None:
        command = message.command
        status = _UNRECOGNIZED_OPERATION
        if command.CommandField == N_EVENT_REPORT_RQ and self._on_event is not None:
            status = self._on_event(command, self._decode(message))
        response = Dataset()
        response.CommandField = command.CommandField | _RESPONSE
        response.MessageIDBeingRespondedTo = command.MessageID
        response.CommandDataSetType = _NO_DATA_SET
        response.Status = status
        for keyword in ("AffectedSOPClassUID", "AffectedSOPInstanceUID", "EventTypeID"):
            if keyword in command:
                setattr(response, keyword, command[keyword].value)
        self._write_message(message.context_id, response, None, 0)

    def _decode(self, message: _Message) -> Dataset:
        try:
            syntax = next(syntax for (_, syntax), number in self.accepted.items() if number == message.context_id)
            return decode(io.BytesIO(message.data), UID(syntax).is_implicit_VR, UID(syntax).is_little_endian)
        # As with everything that comes from outside.
        except Exception as error:
            raise DestinationError(f"{self.peer} sent what cannot be read: {type(error).__name__}: {error}") from error


_ENDINGS = {0x05: "asked to release the association", 0x06: "released the association"}


def _associate_request(peer: Peer, proposed: Sequence[tuple[str, str]]) -> A_ASSOCIATE_RQ:
    contexts = []
    for identifier, (abstract, transfer) in zip(range(1, 256, 2), proposed, strict=False):
        context = build_context(abstract, transfer)
        context.context_id = identifier
        contexts.append(context)
    length = MaximumLengthNotification()
    length.maximum_length_received = _RECEIVED_PDU_BYTES
    implementation = ImplementationClassUIDNotification()
    implementation.implementation_class_uid = UID(IMPLEMENTATION_CLASS_UID)
    version = ImplementationVersionNameNotification()
    version.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    primitive = A_ASSOCIATE()
    primitive.application_context_name = UID(_APPLICATION_CONTEXT)
    primitive.calling_ae_title = peer.calling_ae_title
    primitive.called_ae_title = peer.ae_title
    primitive.presentation_context_definition_list = contexts
    primitive.user_information = [length, implementation, version]
    pdu = A_ASSOCIATE_RQ()
    pdu.from_primitive(primitive)
    return pdu


def _encode_command(command: Dataset) -> bytes:
    """Encode a command set, in Implicit VR Little Endian with its group length first (PS3.7 6.3.1)."""
    encoded = encode(command, True, True)
    if encoded is None:
        raise ValueError(f"the command set cannot be encoded: {command}")
    return struct.pack("<HHII", 0, 0, 4, len(encoded)) + encoded


def _decode_command(content: bytes) -> Dataset:
    try:
        command = decode(io.BytesIO(content), True, True)
        numbers = [command.CommandField, command.CommandDataSetType, command.get("Status", 0)]
        numbers += [command.get(keyword, 0) for keyword in ("MessageID", "MessageIDBeingRespondedTo")]
        if not all(isinstance(number, int) for number in numbers):
            raise ValueError("a number is none, or several")
        str(command.get("ErrorComment"))
    # As with everything that comes from outside.
    except Exception as error:
        raise DestinationError(f"a command set cannot be read: {type(error).__name__}: {error}") from error
    return command


def _fragments(pdu: bytes) -> list[tuple[int, int, memoryview]]:
    """Return context identifier, control header and content of each item of a P-DATA-TF."""
    view = memoryview(pdu)
    found = []
    position = 6
    while position < len(view):
        if len(view) - position < 6:
            raise DestinationError("a P-DATA-TF ends early")
        (length,) = struct.unpack_from(">I", view, position)
        end = position + 4 + length
        if length < 2 or end > len(view):
            raise DestinationError("the items of a P-DATA-TF do not fit")
        found.append((view[position + 4], view[position + 5], view[position + 6 : end]))
        position = end
    return found
