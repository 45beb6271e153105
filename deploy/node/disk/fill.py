"""How fast the disk fills up: a straight line through the samples of the last hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """How many bytes were free at a time (seconds of any clock that only goes forward)."""

    seconds: float
    free: int


def bytes_per_second(samples: Sequence[Sample]) -> float:
    """Return the rate at which free space goes, by least squares; negative where it grows, 0 for fewer than two."""
    if len(samples) < 2:
        return 0.0
    mean_time = sum(sample.seconds for sample in samples) / len(samples)
    mean_free = sum(sample.free for sample in samples) / len(samples)
    spread = sum((sample.seconds - mean_time) ** 2 for sample in samples)
    if spread == 0:
        return 0.0
    return -sum((sample.seconds - mean_time) * (sample.free - mean_free) for sample in samples) / spread


def seconds_to_level(samples: Sequence[Sample], level: int) -> float | None:
    """Return in how many seconds only ``level`` bytes are free at that rate; None where that is not in sight."""
    if not samples:
        return None
    left = samples[-1].free - level
    if left <= 0:
        return 0.0
    rate = bytes_per_second(samples)
    return left / rate if rate > 0 else None
