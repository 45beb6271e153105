"""A storage SCP that plays the PACS in tests, well-behaved or not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from pydicom.dataset import Dataset
from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.transport import ThreadedAssociationServer

from tests.peers import free_port

Answer = Callable[[Dataset], int]


class Archive:
    """Keeps what it is sent, in order. ``answer`` gives each instance's status; one that fails is not kept."""

    def __init__(self, *, answer: Answer = lambda dataset: 0x0000, transfer_syntaxes: list[str] | None = None) -> None:
        self.port = free_port()
        self.answer = answer
        self.stored: list[Dataset] = []
        self.associations = 0
        self.changed = threading.Condition()
        self._transfer_syntaxes = transfer_syntaxes
        self._server: ThreadedAssociationServer | None = None

    @property
    def sop_instance_uids(self) -> list[str]:
        return [str(dataset.SOPInstanceUID) for dataset in self.stored]

    def start(self) -> None:
        entity = AE(ae_title="ARCHIVE")
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(context.abstract_syntax, self._transfer_syntaxes)
        handlers = [(evt.EVT_C_STORE, self._store), (evt.EVT_ESTABLISHED, self._established)]
        self._server = entity.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server = None

    def abort(self) -> None:
        """Break every association that is open."""
        assert self._server is not None
        for association in self._server.active_associations:
            association.abort()

    def wait_for(self, count: int, seconds: float = 60.0) -> None:
        """Return when ``count`` instances are stored; more time than this means that they never will be."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.stored) >= count, seconds), f"only {len(self.stored)} came"

    def _established(self, event: evt.Event) -> None:
        self.associations += 1

    def _store(self, event: evt.Event) -> int:
        dataset = event.dataset
        dataset.file_meta = event.file_meta
        status = self.answer(dataset)
        if status == 0 or status >> 12 == 0xB:
            with self.changed:
                self.stored.append(dataset)
                self.changed.notify_all()
        return status

    def __enter__(self) -> Archive:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
