"""A storage SCP that outlives the node and records every instance that it acknowledges."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable

from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.transport import ThreadedAssociationServer

from tests.peers import free_port

Answer = Callable[[str], int]


class Destination:
    """Keeps which instances came, how often and with which bytes; ``answer`` gives the status of a SOP Instance UID."""

    def __init__(self, ae_title: str, *, answer: Answer = lambda uid: 0x0000) -> None:
        self.ae_title = ae_title
        self.port = free_port()
        self.answer = answer
        self.changed = threading.Condition()
        self.digests: dict[str, set[str]] = {}
        self.received = 0
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
        uid = str(event.request.AffectedSOPInstanceUID)
        status = self.answer(uid)
        if status == 0 or status >> 12 == 0xB:
            digest = hashlib.sha256(event.encoded_dataset(include_meta=False)).hexdigest()
            with self.changed:
                self.digests.setdefault(uid, set()).add(digest)
                self.received += 1
                self.changed.notify_all()
        return status

    def __enter__(self) -> Destination:
        entity = AE(ae_title=self.ae_title)
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(context.abstract_syntax)
        handlers = [(evt.EVT_C_STORE, self._store)]
        self._server = entity.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server = None
