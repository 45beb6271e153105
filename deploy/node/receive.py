"""The storage SCP (PS3.4 annex B): any SOP class in any transfer syntax, acknowledged when it is safe in the spool."""

from __future__ import annotations

import errno
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydicom.dataset import Dataset
from pynetdicom import AE, _config, evt
from pynetdicom.association import Association
from pynetdicom.pdu import A_ABORT_RQ, A_RELEASE_RQ
from pynetdicom.sop_class import Verification

from deploy.node.config import ReceiveConfig
from deploy.node.connection import acknowledge_at_once, send_at_once
from deploy.node.events import forward_warnings, log, log_failure
from deploy.node.file_meta import FileMeta
from deploy.node.header import InstanceHeader, UnreadableHeaderError, read_header
from deploy.node.spool import Arrival, Spool, StoredInstance
from operators.provenance import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

SUCCESS = 0x0000
PROCESSING_FAILURE = 0x0110
OUT_OF_RESOURCES = 0xA700
DATA_SET_MISMATCH = 0xA900
CANNOT_UNDERSTAND = 0xC000
"""Statuses of a C-STORE response: PS3.4 table B.2-1 and PS3.7 annex C."""

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

_ENDINGS = {A_RELEASE_RQ: "released the association", A_ABORT_RQ: "aborted the association"}


@dataclass(frozen=True)
class RefusedInstance:
    """An instance that was not accepted, and why; UIDs are None where they are not known."""

    calling_ae_title: str
    status: int
    reason: str
    study_instance_uid: str | None = None
    sop_instance_uid: str | None = None


@dataclass
class OpenAssociation:
    """One association and what came over it: how many instances of each study arrived how."""

    calling_ae_title: str
    address: str
    studies: dict[str, Counter[Arrival]] = field(default_factory=dict)
    ending: str = "lost the connection"


class ReceiveListener(Protocol):
    """Is told what the storage SCP does; called from the associations' threads."""

    def stored(self, stored: StoredInstance) -> None:
        """An instance is safe in the spool. If this raises, the sender is told of a failure and sends it again."""

    def refused(self, refusal: RefusedInstance) -> None:
        """An instance was not accepted."""

    def association_started(self, association: OpenAssociation) -> None:
        """A peer's association was accepted."""

    def association_ended(self, association: OpenAssociation) -> None:
        """An association was released, aborted or lost."""


class _RefusedError(Exception):
    """An instance must not be accepted: the status to answer, and why."""

    def __init__(self, status: int, reason: str, header: InstanceHeader | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.header = header


class StorageSCP:
    """Receives instances until stopped.

    Every presentation context of the storage service and every unknown or private one is accepted with the first
    transfer syntax that the peer proposes, as nothing is decoded.
    """

    def __init__(self, config: ReceiveConfig, spool: Spool, listener: ReceiveListener) -> None:
        self._config = config
        self._spool = spool
        self._listener = listener
        self._open: dict[Association, OpenAssociation] = {}
        self._lock = threading.Lock()
        self._entity = AE(ae_title=config.ae_title)
        self._entity.implementation_class_uid = IMPLEMENTATION_CLASS_UID
        self._entity.implementation_version_name = IMPLEMENTATION_VERSION_NAME
        self._entity.maximum_pdu_size = config.maximum_pdu_size
        self._entity.maximum_associations = config.maximum_associations
        self._entity.network_timeout = config.network_timeout_seconds
        self._entity.add_supported_context(Verification)

    def start(self) -> None:
        """Listen. Raises :class:`OSError` when the port cannot be had."""
        forward_warnings("pynetdicom")
        # pynetdicom knows this for the whole process only. It concerns acceptors, and in a node this is the only one.
        _config.UNRESTRICTED_STORAGE_SERVICE = True
        handlers = [
            (evt.EVT_CONN_OPEN, self._on_connection),
            (evt.EVT_PDU_RECV, self._on_pdu),
            (evt.EVT_ESTABLISHED, self._on_established),
            (evt.EVT_REJECTED, self._on_rejected),
            (evt.EVT_C_STORE, self._on_store),
            # Which of these comes, and which first, depends on the threads' race: the first one counts.
            (evt.EVT_RELEASED, self._on_end),
            (evt.EVT_ABORTED, self._on_end),
            (evt.EVT_CONN_CLOSE, self._on_end),
        ]
        self._entity.start_server((self._config.host, self._config.port), block=False, evt_handlers=handlers)
        log("listening", f"{self._config.ae_title} listens on {self._config.host}:{self._config.port}")

    def stop(self) -> None:
        """Stop listening and abort the open associations: what was not acknowledged will be sent again."""
        self._entity.shutdown()
        _config.UNRESTRICTED_STORAGE_SERVICE = False

    def is_receiving(self, study_instance_uid: str) -> bool:
        """Return whether an association that brought images of this study is still open."""
        with self._lock:
            # An association whose thread has ended without an event is not open either.
            return any(
                association.is_alive() and study_instance_uid in known.studies
                for association, known in self._open.items()
            )

    def _on_connection(self, event: evt.Event) -> None:
        connection = event.assoc.dul.socket.socket
        # pynetdicom's own timeout does not reach a peer that falls silent in the middle of a PDU.
        connection.settimeout(self._config.network_timeout_seconds)
        send_at_once(event.assoc)
        acknowledge_at_once(event.assoc)

    def _on_pdu(self, event: evt.Event) -> None:
        acknowledge_at_once(event.assoc)
        ending = _ENDINGS.get(type(event.pdu))
        if ending is not None:
            with self._lock:
                if event.assoc in self._open:
                    self._open[event.assoc].ending = ending

    def _on_established(self, event: evt.Event) -> None:
        requestor = event.assoc.requestor
        association = OpenAssociation(requestor.ae_title.strip(), requestor.address)
        with self._lock:
            self._open[event.assoc] = association
        self._listener.association_started(association)

    def _on_rejected(self, event: evt.Event) -> None:
        requestor = event.assoc.requestor
        log("association-rejected", f"an association of {requestor.ae_title.strip()} at {requestor.address}")

    def _on_end(self, event: evt.Event) -> None:
        with self._lock:
            association = self._open.pop(event.assoc, None)
        if association is not None:
            self._listener.association_ended(association)

    def _on_store(self, event: evt.Event) -> int | Dataset:
        try:
            stored = self._store(event)
        except _RefusedError as refusal:
            return self._refuse(event, refusal)
        except OSError as error:
            status = OUT_OF_RESOURCES if error.errno in _DISK_FULL else PROCESSING_FAILURE
            log_failure("store-failed", "an instance could not be stored")
            return self._refuse(event, _RefusedError(status, error.strerror or str(error)))
        # Whatever went wrong is ours: the peer is told so and keeps its copy.
        except Exception as error:
            log_failure("store-failed", "an instance could not be stored")
            return self._refuse(event, _RefusedError(PROCESSING_FAILURE, f"{type(error).__name__}: {error}"))
        self._arrivals(event, stored.header)[stored.arrival] += 1
        return SUCCESS

    def _arrivals(self, event: evt.Event, header: InstanceHeader) -> Counter[Arrival]:
        """What the association brought of a study; from the first call on the study counts as being received."""
        with self._lock:
            association = self._open.get(event.assoc)
            # The connection may have ended while its last instance was being handled.
            studies = association.studies if association is not None else {}
            return studies.setdefault(header.study_instance_uid, Counter())

    def _store(self, event: evt.Event) -> StoredInstance:
        request, context = event.request, event.context
        if request.DataSet is None:
            raise _RefusedError(CANNOT_UNDERSTAND, "the request has no data set")
        data_set: bytes = event.encoded_dataset(include_meta=False)
        try:
            header = read_header(data_set, context.transfer_syntax)
        except UnreadableHeaderError as error:
            raise _RefusedError(CANNOT_UNDERSTAND, str(error)) from error
        for name, asked, found in (
            ("SOP Class UID", request.AffectedSOPClassUID, header.sop_class_uid),
            ("SOP Instance UID", request.AffectedSOPInstanceUID, header.sop_instance_uid),
        ):
            if asked != found:
                raise _RefusedError(DATA_SET_MISMATCH, f"{name} differs from that of the request", header)
        meta = FileMeta(
            sop_class_uid=header.sop_class_uid,
            sop_instance_uid=header.sop_instance_uid,
            transfer_syntax_uid=str(context.transfer_syntax),
            calling_ae_title=event.assoc.requestor.ae_title.strip(),
            called_ae_title=self._config.ae_title,
        )
        self._arrivals(event, header)
        stored = self._spool.store(data_set, header, meta)
        self._listener.stored(stored)
        return stored

    def _refuse(self, event: evt.Event, refusal: _RefusedError) -> Dataset:
        request: Any = event.request
        self._listener.refused(
            RefusedInstance(
                calling_ae_title=event.assoc.requestor.ae_title.strip(),
                status=refusal.status,
                reason=refusal.reason,
                study_instance_uid=refusal.header.study_instance_uid if refusal.header else None,
                sop_instance_uid=str(request.AffectedSOPInstanceUID or "") or None,
            )
        )
        answer = Dataset()
        answer.Status = refusal.status
        # Error Comment (0000,0902) is LO: at most 64 characters, here of the default repertoire.
        answer.ErrorComment = refusal.reason.replace("\\", "/").encode("ascii", "replace").decode()[:64]
        return answer
