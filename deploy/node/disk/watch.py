"""Tells when room becomes low and when it is back, and how fast it goes."""

from __future__ import annotations

import threading
import time
from collections import deque

from sqlalchemy.exc import DBAPIError

from deploy.node.database import Database, is_passing
from deploy.node.disk.fill import Sample, seconds_to_level
from deploy.node.disk.space import ASSOCIATION_SHARE, Space
from deploy.node.events import log, record

_LOOK_SECONDS = 1.0
_SAMPLE_SECONDS = 60.0
_SAMPLES = 6 * 60
"""The fill rate is taken from the last six hours."""


class SpaceWatch:
    """One event when room becomes low, and one when it is back: not one for each instance that is refused."""

    def __init__(self, space: Space, database: Database) -> None:
        self._space = space
        self._database = database
        self._low = False
        self._samples: deque[Sample] = deque(maxlen=_SAMPLES)

    def run(self, stop: threading.Event) -> None:
        """Watch until ``stop`` is set."""
        self.look()
        while not stop.wait(_LOOK_SECONDS):
            self.look()

    def look(self) -> None:
        """Look once."""
        free = self._space.free_bytes()
        now = time.monotonic()
        if not self._samples or now - self._samples[-1].seconds >= _SAMPLE_SECONDS:
            self._samples.append(Sample(now, free))
        reserve = self._space.reserve_bytes
        if not self._low and free < max(reserve, 1):
            self._low = True
            self._tell("disk-low", free, "images are refused (A700) until there is room again", "gantry disk show")
        elif self._low and free >= reserve * ASSOCIATION_SHARE and free > 0:
            self._low = False
            self._tell("disk-room", free, "images are accepted again", "")

    def seconds_to_reserve(self) -> float | None:
        """Return when only the reserve is left at the rate of the last hours; None if the disk does not fill up."""
        return seconds_to_level(tuple(self._samples), self._space.reserve_bytes)

    def _tell(self, kind: str, free: int, meaning: str, advice: str) -> None:
        text = f"{free / 2**30:.2f} GiB are free, {self._space.reserve_bytes / 2**30:.2f} are the reserve: {meaning}"
        if advice:
            text += f"; '{advice}' tells what takes the room"
        try:
            with self._database.write() as session:
                record(session, kind, text, free=free, reserve=self._space.reserve_bytes)
        # Where nothing can be written any more the line on standard error has to do.
        except DBAPIError as error:
            if not is_passing(error):
                raise
            log(kind, text, free=free, reserve=self._space.reserve_bytes)
