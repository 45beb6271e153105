"""The node's threads: none ends without the node noticing."""

from __future__ import annotations

import threading
from collections.abc import Callable

from deploy.node.events import log_failure

_LOOK_SECONDS = 0.2


class Threads:
    """Threads that all end together: on request, or because one of them has failed.

    Each loop is called with the event that asks it to stop.
    """

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._asked_to_stop = False
        self._threads: list[threading.Thread] = []
        self.failed = False

    def start(self, name: str, loop: Callable[[threading.Event], None]) -> None:
        """Run a loop in a thread of its own."""
        thread = threading.Thread(target=self._run, args=(name, loop), name=name)
        self._threads.append(thread)
        thread.start()

    def stop(self) -> None:
        """Ask every loop to stop."""
        self._stop.set()

    def stop_from_signal(self) -> None:
        """Ask every loop to stop, from a signal handler."""
        # Setting the event here could wait for ever for the thread that was interrupted: itself.
        self._asked_to_stop = True

    def wait(self) -> None:
        """Return when the threads are to stop."""
        while not self._stop.wait(_LOOK_SECONDS):
            if self._asked_to_stop:
                self._stop.set()

    def join(self) -> None:
        """Return when every thread has ended."""
        for thread in self._threads:
            thread.join()

    def _run(self, name: str, loop: Callable[[threading.Event], None]) -> None:
        try:
            loop(self._stop)
            early = not self._stop.is_set()
        # A node that goes on without one of its parts would lose studies silently.
        except BaseException:
            log_failure("node-failed", f"{name} failed: the node stops")
            early = True
        if early:
            self.failed = True
            self._stop.set()
