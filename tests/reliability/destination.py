"""A storage SCP that outlives the node and records every instance that it acknowledges."""

from __future__ import annotations

import hashlib
import threading

from pydicom.dataset import Dataset
from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.association import Association
from pynetdicom.sop_class import StorageCommitmentPushModel
from pynetdicom.transport import ThreadedAssociationServer

from tests.peers import free_port

_COMMITMENT_INSTANCE = "1.2.840.10008.1.20.1.1"
_LONGEST_WAIT_SECONDS = 300.0


class Destination:
    """Keeps which instances came, how often and with which bytes.

    While ``storing`` is cleared, it answers no C-STORE; while ``committing`` is, it reports no storage commitment.
    """

    def __init__(self, ae_title: str) -> None:
        self.ae_title = ae_title
        self.port = free_port()
        self.changed = threading.Condition()
        self.digests: dict[str, set[str]] = {}
        self.received = 0
        self.asked = 0
        self.storing = threading.Event()
        self.storing.set()
        self.committing = threading.Event()
        self.committing.set()
        self.waiting = threading.Event()
        """Set when an instance has come that is not answered yet."""
        self._server: ThreadedAssociationServer | None = None

    @property
    def sop_instance_uids(self) -> frozenset[str]:
        with self.changed:
            return frozenset(self.digests)

    @property
    def different(self) -> list[str]:
        """Instances that came more than once with other bytes."""
        with self.changed:
            return [uid for uid, digests in self.digests.items() if len(digests) > 1]

    @property
    def repeated(self) -> int:
        """How many instances came again, as after a kill between a C-STORE and its record."""
        with self.changed:
            return self.received - len(self.digests)

    def wait_for(self, uids: frozenset[str], seconds: float) -> frozenset[str]:
        """Wait until all of these have come; return what has not."""
        with self.changed:
            self.changed.wait_for(lambda: uids <= self.digests.keys(), seconds)
            return uids - self.digests.keys()

    def _store(self, event: evt.Event) -> int:
        self.waiting.set()
        self.storing.wait(_LONGEST_WAIT_SECONDS)
        uid = str(event.request.AffectedSOPInstanceUID)
        digest = hashlib.sha256(event.encoded_dataset(include_meta=False)).hexdigest()
        with self.changed:
            self.digests.setdefault(uid, set()).add(digest)
            self.received += 1
            self.changed.notify_all()
        return 0x0000

    def _commit(self, event: evt.Event) -> tuple[int, None]:
        with self.changed:
            self.asked += 1
            self.changed.notify_all()
        # The answer to the request goes first.
        threading.Thread(target=self._report, args=(event.assoc, event.action_information), daemon=True).start()
        return 0x0000, None

    def _report(self, association: Association, request: Dataset) -> None:
        """Commit to what is here, on the association of the request; a node that has gone asks again."""
        if not self.committing.wait(_LONGEST_WAIT_SECONDS) or not association.is_established:
            return
        report = Dataset()
        report.TransactionUID = request.TransactionUID
        report.ReferencedSOPSequence = [
            item for item in request.ReferencedSOPSequence if item.ReferencedSOPInstanceUID in self.sop_instance_uids
        ]
        association.send_n_event_report(report, 1, StorageCommitmentPushModel, _COMMITMENT_INSTANCE)

    def __enter__(self) -> Destination:
        entity = AE(ae_title=self.ae_title)
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(context.abstract_syntax)
        entity.add_supported_context(StorageCommitmentPushModel)
        handlers = [(evt.EVT_C_STORE, self._store), (evt.EVT_N_ACTION, self._commit)]
        self._server = entity.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)
        return self

    def __exit__(self, *_: object) -> None:
        self.storing.set()
        self.committing.set()
        if self._server is not None:
            self._server.shutdown()
            self._server = None
