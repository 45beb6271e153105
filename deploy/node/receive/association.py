"""One association, from the connection to its end: negotiation, then messages until it is released or breaks."""

from __future__ import annotations

import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from deploy.node.access import Accepted, Access
from deploy.node.config import ReceiveConfig
from deploy.node.disk import Space
from deploy.node.receive import negotiation, upper_layer
from deploy.node.receive.commands import (
    C_CANCEL,
    C_ECHO,
    C_STORE,
    MAXIMUM_COMMAND_BYTES,
    N_ACTION,
    N_CREATE,
    N_EVENT_REPORT,
    N_SET,
    NO_DATA_SET,
    RESPONSE,
    Command,
    comment,
    decode_command,
    encode_command,
)
from deploy.node.receive.negotiation import Context, Request
from deploy.node.receive.reports import (
    AssociationEnded,
    AssociationStarted,
    RefusedCaller,
    RefusedInstance,
    Report,
    Stored,
)
from deploy.node.receive.slots import Slots
from deploy.node.receive.statuses import CANNOT_UNDERSTAND, SUCCESS, UNRECOGNIZED_OPERATION
from deploy.node.receive.storing import RefusedError, StoreTransfer
from deploy.node.receive.upper_layer import (
    INVALID_PARAMETER,
    UNEXPECTED_PDU,
    Connection,
    ConnectionEndedError,
    ProtocolError,
)
from deploy.node.services import MAXIMUM_DATA_SET_BYTES, Answer, Requestor, Services, SupportedContext
from deploy.node.spool import Spool

NEGOTIATION_SECONDS = 15.0
"""How long a caller may take until its request is there (the ARTIM timer of PS3.8 section 9.1.5)."""

RELEASED = "released the association"
ABORTED = "aborted the association"
LOST = "lost the connection"

_NORMALIZED = (N_EVENT_REPORT, N_SET, N_ACTION, N_CREATE)


@dataclass(frozen=True)
class Surroundings:
    """What all associations of a receiver process share."""

    config: ReceiveConfig
    spool: Spool
    access: Access
    services: Services
    contexts: tuple[SupportedContext, ...]
    slots: Slots
    space: Space
    tell: Callable[[Report], None]


class _Transfer(Protocol):
    """What the data set of a message goes to."""

    def write(self, fragment: memoryview) -> None: ...
    def discard(self) -> None: ...


class _Collected:
    """A data set that is kept in memory: of a service's request, up to a limit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.content = bytearray()

    def write(self, fragment: memoryview) -> None:
        if len(self.content) + len(fragment) > self._limit:
            raise ProtocolError(INVALID_PARAMETER, f"sent a data set of more than {self._limit} bytes")
        self.content += fragment

    def discard(self) -> None:
        self.content.clear()


class _PassedOver:
    """A data set that nobody wants."""

    def write(self, fragment: memoryview) -> None:
        pass

    def discard(self) -> None:
        pass


@dataclass
class _Message:
    """A message whose data set is still to come, or coming."""

    context_id: int
    context: Context
    command: Command
    transfer: _Transfer


class Association:
    """One association; :meth:`run` is called in a thread of its own."""

    def __init__(
        self,
        number: int,
        connection: Connection,
        address: str,
        certificate_names: tuple[str, ...] | None,
        surroundings: Surroundings,
    ) -> None:
        self._number = number
        self._connection = connection
        self._address = address
        self._certificate_names = certificate_names
        self._around = surroundings
        self._titles = "", ""
        self._peer = ""
        self._peer_maximum = 0
        self._contexts: dict[int, Context] = {}
        self._command = bytearray()
        self._command_context = 0
        self._message: _Message | None = None
        self._ending: str | None = None
        # What services do on the association after they have answered.
        self._afterwards: deque[tuple[int, Callable[..., None]]] = deque()
        self._next_message_id = 1
        self._awaited: dict[int, int | None] = {}

    def run(self) -> None:
        """Serve the peer until the association is over; whatever it sends, nothing but the report of it remains."""
        try:
            request = self._negotiate()
        except (ProtocolError, ConnectionEndedError) as error:
            self._break_off(error)
            return
        if request is None:
            self._connection.close()
            return
        try:
            self._serve()
        finally:
            self._around.slots.give_back()

    def _negotiate(self) -> Request | None:
        """Answer the request for an association; None if it was rejected."""
        self._connection.limit_silence(min(NEGOTIATION_SECONDS, self._around.config.network_timeout_seconds))
        kind, content = self._connection.read()
        if kind != upper_layer.ASSOCIATE_RQ:
            raise ProtocolError(UNEXPECTED_PDU, f"began with a PDU of type {kind} instead of A-ASSOCIATE-RQ")
        request = negotiation.decode_request(struct.pack(">BxI", kind, len(content)) + content)
        self._titles = request.calling_ae_title, request.called_ae_title
        verdict = self._around.access.judge(*self._titles, self._address, self._certificate_names)
        if not isinstance(verdict, Accepted):
            self._reject(verdict.reason.value, verdict.text, verdict.result, verdict.source, verdict.diagnostic)
            return None
        transient = negotiation.REJECTED_TRANSIENT, negotiation.PROVIDER_PRESENTATION
        if not self._around.space.has_room_for_association():
            text = "the disk is nearly full (disk.reserve_gib)"
            self._reject("disk", text, *transient, negotiation.TEMPORARY_CONGESTION)
            return None
        config = self._around.config
        if not self._around.slots.take(config.maximum_associations):
            text = f"{config.maximum_associations} associations are open already (receive.maximum_associations)"
            self._reject("associations", text, *transient, negotiation.LOCAL_LIMIT_EXCEEDED)
            return None
        try:
            self._contexts, answer = negotiation.accept(
                request,
                verdict.permissions,
                self._around.contexts,
                maximum_pdu=config.maximum_pdu_size,
                private_sop_classes=frozenset(config.private_sop_classes),
            )
            self._peer, self._peer_maximum = verdict.peer, request.maximum_pdu
            self._connection.limit_silence(config.network_timeout_seconds)
            self._around.tell(AssociationStarted(self._number, self._titles[0], self._address))
            self._connection.send(answer)
        except BaseException:
            self._around.slots.give_back()
            raise
        return request

    def _reject(self, reason: str, text: str, result: int, source: int, diagnostic: int) -> None:
        self._tell_refused(reason, text)
        self._connection.send(negotiation.encode_rejection(result, source, diagnostic))

    def _serve(self) -> None:
        ending = LOST
        try:
            ending = self._exchange()
            self._connection.close()
        except (ProtocolError, ConnectionEndedError) as error:
            ending = str(error)
            self._break_off(error)
        finally:
            if self._message is not None:
                self._message.transfer.discard()
            self._around.tell(AssociationEnded(self._number, ending, ending == RELEASED))

    def _break_off(self, error: ProtocolError | ConnectionEndedError) -> None:
        """Abort (PS3.8 section 9.3.8), which a peer that is still there sees."""
        if isinstance(error, ProtocolError):
            self._tell_refused("protocol", f"the peer {error}")
        self._connection.abort(error.reason if isinstance(error, ProtocolError) else upper_layer.NOT_SPECIFIED)
        self._connection.close()

    def _tell_refused(self, reason: str, text: str) -> None:
        self._around.tell(RefusedCaller(reason, text, self._address, *self._titles, self._certificate_names))

    def _exchange(self) -> str:
        """Handle PDUs until the association is over; return how it ended."""
        while self._ending is None:
            self._handle_pdu()
            while self._afterwards and self._ending is None:
                context_id, afterwards = self._afterwards.popleft()
                afterwards(lambda command, data_set, context_id=context_id: self._ask(context_id, command, data_set))
        return self._ending

    def _handle_pdu(self) -> None:
        kind, content = self._connection.read()
        if kind == upper_layer.P_DATA:
            for context_id, is_command, is_last, fragment in upper_layer.presentation_data(content):
                if is_command:
                    self._on_command_fragment(context_id, is_last, fragment)
                else:
                    self._on_data_fragment(context_id, is_last, fragment)
        elif kind == upper_layer.RELEASE_RQ:
            self._connection.send(struct.pack(">BxI4x", upper_layer.RELEASE_RP, 4))
            self._ending = RELEASED
        elif kind == upper_layer.ABORT:
            self._ending = ABORTED
        else:
            raise ProtocolError(UNEXPECTED_PDU, f"sent a PDU of type {kind} within the association")

    def _on_command_fragment(self, context_id: int, is_last: bool, fragment: memoryview) -> None:
        if self._message is not None:
            raise ProtocolError(UNEXPECTED_PDU, "sent a command before the data set of the one before")
        if context_id not in self._contexts:
            raise ProtocolError(INVALID_PARAMETER, f"sent over presentation context {context_id}, which has no accord")
        if self._command and context_id != self._command_context:
            raise ProtocolError(INVALID_PARAMETER, "sent a command over two presentation contexts")
        if len(self._command) + len(fragment) > MAXIMUM_COMMAND_BYTES:
            raise ProtocolError(INVALID_PARAMETER, f"sent a command set of more than {MAXIMUM_COMMAND_BYTES} bytes")
        self._command += fragment
        self._command_context = context_id
        if is_last:
            content = bytes(self._command)
            self._command.clear()
            self._on_command(context_id, decode_command(content))

    def _on_data_fragment(self, context_id: int, is_last: bool, fragment: memoryview) -> None:
        message = self._message
        if message is None or message.context_id != context_id:
            raise ProtocolError(UNEXPECTED_PDU, "sent a data set without a command")
        message.transfer.write(fragment)
        if is_last:
            self._message = None
            self._finish(message)

    def _on_command(self, context_id: int, command: Command) -> None:
        field = command.get("CommandField")
        if not isinstance(field, int) or (not field & RESPONSE and field != C_CANCEL and "MessageID" not in command):
            raise ProtocolError(INVALID_PARAMETER, "sent a command set without Command Field or Message ID")
        context = self._contexts[context_id]
        transfer: _Transfer = _PassedOver()
        if field == C_STORE and command.get("CommandDataSetType") != NO_DATA_SET:
            transfer = self._begin_store(command, context)
        elif field in _NORMALIZED:
            transfer = _Collected(MAXIMUM_DATA_SET_BYTES)
        message = _Message(context_id, context, command, transfer)
        if command.get("CommandDataSetType") == NO_DATA_SET:
            self._finish(message)
        else:
            self._message = message

    def _finish(self, message: _Message) -> None:
        """All of a message is there."""
        field = int(message.command["CommandField"])
        transfer = message.transfer
        if isinstance(transfer, StoreTransfer):
            self._finish_store(message, transfer)
        elif field == C_STORE:
            self._refuse_store(message, RefusedError(CANNOT_UNDERSTAND, "the request has no data set"))
        elif field == C_ECHO:
            self._answer(message, {"Status": SUCCESS})
        elif isinstance(transfer, _Collected):
            self._finish_service(message, bytes(transfer.content))
        elif field & RESPONSE:
            self._on_response(message.command)
        elif field != C_CANCEL:
            self._answer(message, {"Status": UNRECOGNIZED_OPERATION})

    def _begin_store(self, command: Command, context: Context) -> StoreTransfer:
        return StoreTransfer(
            self._around.spool,
            command,
            context,
            self._titles,
            maximum_bytes=self._around.config.maximum_instance_bytes,
            space=self._around.space,
            tell=self._around.tell,
        )

    def _finish_store(self, message: _Message, transfer: StoreTransfer) -> None:
        try:
            stored = transfer.finish()
        except RefusedError as refusal:
            self._refuse_store(message, refusal)
            return
        # Before the answer, so that whoever has it finds the association and the study known.
        self._around.tell(Stored(self._number, stored))
        self._answer(message, {"Status": SUCCESS})

    def _refuse_store(self, message: _Message, refusal: RefusedError) -> None:
        self._around.tell(
            RefusedInstance(
                calling_ae_title=self._titles[0],
                status=refusal.status,
                reason=refusal.reason,
                study_instance_uid=refusal.header.study_instance_uid if refusal.header else None,
                sop_instance_uid=str(message.command.get("AffectedSOPInstanceUID", "")) or None,
            )
        )
        self._answer(message, {"Status": refusal.status, "ErrorComment": comment(refusal.reason)})

    def _finish_service(self, message: _Message, data_set: bytes) -> None:
        context = message.context
        answer: Answer = self._around.services.handle(
            Requestor(self._peer, self._titles[0]),
            context.abstract_syntax,
            context.transfer_syntax,
            message.command,
            data_set,
        )
        fields: dict[str, str | int] = {"Status": answer.status}
        if answer.comment:
            fields["ErrorComment"] = comment(answer.comment)
        if answer.error_id is not None:
            fields["ErrorID"] = answer.error_id
        if answer.sop_instance_uid:
            fields["AffectedSOPInstanceUID"] = answer.sop_instance_uid
        for keyword in ("ActionTypeID", "EventTypeID"):
            if keyword in message.command:
                fields[keyword] = message.command[keyword]
        self._answer(message, fields)
        if answer.afterwards is not None:
            self._afterwards.append((message.context_id, answer.afterwards))

    def _answer(self, message: _Message, fields: Command) -> None:
        command = message.command
        answer: dict[str, str | int] = {
            "CommandField": int(command["CommandField"]) | RESPONSE,
            "MessageIDBeingRespondedTo": command["MessageID"],
            "CommandDataSetType": NO_DATA_SET,
        }
        for asked, affected in (
            ("AffectedSOPClassUID", "AffectedSOPClassUID"),
            ("RequestedSOPClassUID", "AffectedSOPClassUID"),
            ("AffectedSOPInstanceUID", "AffectedSOPInstanceUID"),
            ("RequestedSOPInstanceUID", "AffectedSOPInstanceUID"),
        ):
            if command.get(asked):
                answer[affected] = command[asked]
        encoded = encode_command({**answer, **fields})
        self._connection.send(upper_layer.encode_message(message.context_id, encoded, b"", self._peer_maximum))

    def _ask(self, context_id: int, command: Command, data_set: bytes) -> int:
        """Send a request of ours and return the response's Status, handling what the peer sends meanwhile.

        Raises :class:`ConnectionError`.
        """
        number = self._next_message_id
        self._next_message_id = number % 0xFFFF + 1
        encoded = encode_command(
            {**command, "MessageID": number, "CommandDataSetType": 0x0001 if data_set else NO_DATA_SET}
        )
        self._awaited[number] = None
        try:
            self._connection.send(upper_layer.encode_message(context_id, encoded, data_set, self._peer_maximum))
            end = time.monotonic() + self._around.config.network_timeout_seconds
            while (status := self._awaited[number]) is None:
                self._handle_pdu()
                if self._ending is not None:
                    raise ConnectionError(f"the peer {self._ending}")
                if time.monotonic() > end:
                    raise ConnectionError("the peer does not answer")
            return status
        except ConnectionEndedError as error:
            self._ending = str(error)
            raise ConnectionError(f"the peer {error}") from error
        except ProtocolError as error:
            self._ending = str(error)
            self._break_off(error)
            raise ConnectionError(f"the peer {error}") from error
        finally:
            del self._awaited[number]

    def _on_response(self, command: Command) -> None:
        number, status = command.get("MessageIDBeingRespondedTo"), command.get("Status")
        # A response that nobody waits for any more came too late.
        if isinstance(number, int) and isinstance(status, int) and number in self._awaited:
            self._awaited[number] = status


class Callers:
    """Who is connected to a process: how many, so that a flood waits in the kernel, and whom to cut off at its end."""

    def __init__(self) -> None:
        self._count = 0
        self._connections: set[Connection] = set()
        self._changed = threading.Condition()

    def come(self, maximum: int) -> None:
        """One more has a place, once fewer than ``maximum`` have one."""
        with self._changed:
            self._changed.wait_for(lambda: self._count < maximum)
            self._count += 1

    def connected(self, connection: Connection) -> None:
        """Remember the connection of one who has come."""
        with self._changed:
            self._connections.add(connection)

    def go(self, connection: Connection | None) -> None:
        """One has gone."""
        with self._changed:
            self._count -= 1
            if connection is not None:
                self._connections.discard(connection)
            self._changed.notify_all()

    def cut(self, seconds: float) -> None:
        """Abort all, and give their threads a moment to tell of it."""
        with self._changed:
            for connection in self._connections:
                connection.cut()
            self._changed.wait_for(lambda: not self._connections, seconds)
