"""A bell: one thread tells another that there is work, so that it need not look all the time."""

from __future__ import annotations

import threading
from collections.abc import Callable

from sqlalchemy.exc import DBAPIError

from deploy.node.database import is_passing
from deploy.node.events import log

_LOOK_SECONDS = 0.5
"""Work can also come from another process, such as ``gantry jobs retry``, or fall due: look every so often."""


_DATABASE_SECONDS = 5.0
"""How long to leave a database alone that cannot work now."""


class Bell:
    """Rung by who has made work; who does it calls :meth:`work_until`."""

    def __init__(self) -> None:
        self._rung = threading.Event()

    def ring(self) -> None:
        """Say that there may be work."""
        self._rung.set()

    def work_until(self, stop: threading.Event, work: Callable[[], bool]) -> None:
        """Call ``work`` again and again, resting while it returns False, until ``stop`` is set."""
        while not stop.is_set():
            self._rung.clear()
            if not persevere(stop, work):
                self._rung.wait(_LOOK_SECONDS)


def persevere(stop: threading.Event, work: Callable[[], bool]) -> bool:
    """Return what ``work`` returns, or False, after a pause, where the disk is full or the database locked.

    The node has to go on receiving, or at least refusing, meanwhile, and needs no person to go on afterwards.
    """
    try:
        return work()
    except DBAPIError as error:
        if not is_passing(error):
            raise
        log("database-unavailable", f"{error.orig}; tried again in {_DATABASE_SECONDS:g} s")
        stop.wait(_DATABASE_SECONDS)
        return False
