"""Senders as scanners are: an instance that got no answer is sent again, until it is acknowledged."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

from tests.reliability.examinations import Examination, SmallInstance
from tests.reliability.upper_layer import SUCCESS, Association, EndedError, Proposal, RejectedError

_AGAIN_SECONDS = 0.05


class Acknowledgements:
    """Which instances the node has said that it has: one durable line for each, and the same in memory."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._lock = threading.Lock()
        self._known: dict[str, SmallInstance] = {}

    def add(self, instance: SmallInstance) -> None:
        with self._lock:
            self._file.write(f"{time.time():.6f} {instance.study_instance_uid} {instance.sop_instance_uid}\n".encode())
            os.fsync(self._file.fileno())
            self._known[instance.sop_instance_uid] = instance

    def all(self) -> dict[str, SmallInstance]:
        """The acknowledged instances by SOP Instance UID."""
        with self._lock:
            return dict(self._known)


class Sender(threading.Thread):
    """Sends examinations from a queue, each over an association of its own, until it gets None."""

    def __init__(
        self,
        name: str,
        port: int,
        work: SimpleQueue[Examination | None],
        acknowledgements: Acknowledgements,
        *,
        pause: Callable[[], float] = lambda: 0.0,
        on_sent: Callable[[Examination], None] = lambda examination: None,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._port = port
        self._work = work
        self._acknowledgements = acknowledgements
        self._pause = pause
        self._on_sent = on_sent
        self.associations = 0
        self.rejections = 0
        self.refusals: list[int] = []

    def run(self) -> None:
        while (examination := self._work.get()) is not None:
            left = list(examination.instances)
            while left:
                try:
                    self._send(left)
                except RejectedError:
                    self.rejections += 1
                    time.sleep(_AGAIN_SECONDS)
                except EndedError:
                    time.sleep(_AGAIN_SECONDS)
            self._on_sent(examination)

    def _send(self, left: list[SmallInstance]) -> None:
        """Send over one association what is left, and take off what is acknowledged. Raises :class:`EndedError`."""
        proposals = [Proposal(1, left[0].sop_class_uid)]
        with Association(self._port, proposals, calling=self.name) as association:
            self.associations += 1
            for instance in tuple(left):
                time.sleep(self._pause())
                status = association.store(1, instance.sop_class_uid, instance.sop_instance_uid, instance.data_set)
                if status == SUCCESS:
                    self._acknowledgements.add(instance)
                    left.remove(instance)
                else:
                    self.refusals.append(status)
        if left:
            time.sleep(_AGAIN_SECONDS)


def pauses(seed: object, longest: float) -> Callable[[], float]:
    """Pauses between images, evenly distributed up to ``longest`` seconds."""
    generator = random.Random(str(seed))
    return lambda: generator.uniform(0, longest)
