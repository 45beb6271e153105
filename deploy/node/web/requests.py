"""The requests for storing that are under way, and what they tell the index."""

from __future__ import annotations

import threading
from collections import Counter, deque
from itertools import islice

from deploy.node.bell import Bell
from deploy.node.events import log_failure
from deploy.node.receive.reports import OpenAssociation, Received, ReceiveListener, RefusedInstance
from deploy.node.spool import StoredInstance

_BATCH = 500
_MAXIMUM_UNTOLD = 10_000
"""How much may wait for the index; beyond it the senders wait, too."""

_RETRY_SECONDS = 5.0


class OpenRequests:
    """What came over HTTP and is on its way to the index; usable from any thread. Nothing waits for the index."""

    def __init__(self, listener: ReceiveListener) -> None:
        self._listener = listener
        self._changed = threading.Condition()
        self._open: list[OpenAssociation] = []
        self._untold: deque[Received] = deque()
        self._bell = Bell()
        self._stopping = False

    def begin(self, calling_ae_title: str, address: str) -> OpenAssociation:
        """A request for storing begins: for readiness it is what an association is."""
        request = OpenAssociation(calling_ae_title, address, ending="broke off its request")
        with self._changed:
            self._open.append(request)
        return request

    def stored(self, request: OpenAssociation, stored: StoredInstance) -> None:
        """An instance of the request is safe in the spool; to be called before the request is answered."""
        with self._changed:
            studies = request.studies
            studies.setdefault(stored.header.study_instance_uid, Counter())[stored.arrival] += 1
        self._tell(stored)

    def refused(self, refused: RefusedInstance) -> None:
        """An instance was not accepted."""
        self._tell(refused)

    def end(self, request: OpenAssociation) -> None:
        """The request is answered or broken off; its ``ending`` and ``sent_all`` say which."""
        with self._changed:
            # By identity: two requests may look the same.
            self._open = [each for each in self._open if each is not request]
        self._tell(request)

    def is_receiving(self, study_instance_uid: str) -> bool:
        """Return whether a request that brought images of this study is under way, or not yet told to the index."""
        with self._changed:
            untold = (each.header.study_instance_uid for each in self._untold if isinstance(each, StoredInstance))
            return study_instance_uid in untold or any(study_instance_uid in each.studies for each in self._open)

    @property
    def count(self) -> int:
        """How many requests are under way."""
        return len(self._open)

    def run(self, stop: threading.Event) -> None:
        """Tell the index until ``stop`` is set, then the rest."""
        self._bell.work_until(stop, lambda: self._tell_index(stop))
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._tell_index(stop)

    def _tell(self, what: Received) -> None:
        with self._changed:
            self._changed.wait_for(lambda: len(self._untold) < _MAXIMUM_UNTOLD or self._stopping)
            self._untold.append(what)
        self._bell.ring()

    def _tell_index(self, stop: threading.Event) -> bool:
        while self._untold:
            with self._changed:
                batch = list(islice(self._untold, _BATCH))
            try:
                self._listener.received(batch)
            # It is safe in the spool, and the next start would index it.
            except Exception:
                log_failure("index-failed", "what came over HTTP could not be indexed; it is safe in the spool")
                stop.wait(_RETRY_SECONDS)
                return False
            with self._changed:
                for _ in batch:
                    self._untold.popleft()
                self._changed.notify_all()
        return False
