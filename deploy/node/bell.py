"""A bell: one thread tells another that there is work, so that it need not look all the time."""

from __future__ import annotations

import threading
from collections.abc import Callable

_LOOK_SECONDS = 0.5
"""Work can also come from another process, such as ``gantry jobs retry``, or fall due: look every so often."""


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
            if not work():
                self._rung.wait(_LOOK_SECONDS)
