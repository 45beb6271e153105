"""How long to wait after a failure: longer each time, for days if need be, never quite in step with others."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from deploy.node.config import DestinationConfig

_SPREAD = 0.25
"""The part of a wait that is drawn by lot: after an outage not everybody comes back at once."""


@dataclass(frozen=True)
class Backoff:
    """Waits that double from the first to the longest; ``draw`` gives a number from 0 to 1."""

    first_seconds: float
    longest_seconds: float
    draw: Callable[[], float] = random.random

    @staticmethod
    def of(config: DestinationConfig, draw: Callable[[], float] = random.random) -> Backoff:
        """Return that of a destination."""
        return Backoff(config.first_retry_seconds, config.longest_retry_seconds, draw)

    def after(self, failures: int, *, at_least_seconds: float | None = None) -> timedelta:
        """Return how long to wait after so many failures in a row, at least 1; the peer itself may ask for longer."""
        # The exponent is limited as well: after weeks the power alone would overflow.
        seconds = min(self.first_seconds * 2 ** min(max(failures, 1) - 1, 30), self.longest_seconds)
        return timedelta(seconds=max(seconds * (1 - _SPREAD * self.draw()), at_least_seconds or 0.0))
