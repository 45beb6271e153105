"""Tells when room becomes low and when it is back, and keeps how much there was."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone

from sqlalchemy import delete, func, select
from sqlalchemy.exc import DBAPIError

from deploy.node.bell import persevere
from deploy.node.database import Database, DiskSample, is_passing
from deploy.node.disk.space import ASSOCIATION_SHARE, Space
from deploy.node.events import log, record

_LOOK_SECONDS = 1.0
_SAMPLE = timedelta(minutes=1)
_KEPT = timedelta(days=1)
"""The fill rate is that of the last day."""


class SpaceWatch:
    """One event when room becomes low, and one when it is back: not one for each instance that is refused."""

    def __init__(self, space: Space, database: Database) -> None:
        self._space = space
        self._database = database
        self._low = False
        with database.read() as session:
            self._sampled = session.scalar(select(func.max(DiskSample.at)))

    def run(self, stop: threading.Event) -> None:
        """Watch until ``stop`` is set."""
        while not stop.is_set():
            persevere(stop, self.look)
            stop.wait(_LOOK_SECONDS)

    def look(self) -> bool:
        """Look once; return whether room is low."""
        free = self._space.free_bytes()
        reserve = self._space.reserve_bytes
        if not self._low and free < max(reserve, 1):
            self._low = True
            advice = "images are refused (A700) until there is room again; 'gantry disk show' tells what takes it"
            self._tell("disk-low", free, advice)
        elif self._low and free >= max(reserve * ASSOCIATION_SHARE, 1):
            self._low = False
            self._tell("disk-room", free, "images are accepted again")
        now = datetime.now(timezone.utc)
        # A clock that was set back must not end the samples.
        if self._sampled is None or not timedelta(0) <= now - self._sampled < _SAMPLE:
            self._sampled = now
            self._keep(DiskSample(at=now, free=free))
        return self._low

    def _keep(self, sample: DiskSample) -> None:
        with self._database.write(rebuildable=True) as session:
            outside = (DiskSample.at < sample.at - _KEPT) | (DiskSample.at >= sample.at)
            session.execute(delete(DiskSample).where(outside))
            session.add(sample)

    def _tell(self, kind: str, free: int, meaning: str) -> None:
        text = f"{free / 2**30:.2f} GiB are free, {self._space.reserve_bytes / 2**30:.2f} are the reserve: {meaning}"
        try:
            with self._database.write() as session:
                record(session, kind, text, free=free, reserve=self._space.reserve_bytes)
        # Where nothing can be written any more the line on standard error has to do.
        except DBAPIError as error:
            if not is_passing(error):
                raise
            log(kind, text, free=free, reserve=self._space.reserve_bytes)
