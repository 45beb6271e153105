"""Waiting for what other threads and processes do: a limit that a busy machine keeps, and a failure that tells."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

PATIENCE_SECONDS = 60.0
"""What has not happened after this time never will, on a busy machine too."""

_PAUSE_SECONDS = 0.02


def until(
    condition: Callable[[], object],
    *,
    seconds: float = PATIENCE_SECONDS,
    told: Callable[[], str] = lambda: "it did not happen",
) -> None:
    """Return when the condition holds. Raises :class:`AssertionError` with what is ``told`` then if it does not."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, told()
        time.sleep(_PAUSE_SECONDS)


def until_it_listens(port: int) -> None:
    """Return when somebody listens on a port of this machine."""

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    until(listens, told=lambda: f"nobody listens on port {port}")
