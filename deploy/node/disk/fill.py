"""How fast the disk fills up: a straight line through the samples of the last day."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from deploy.node.database import DiskSample


def disk_samples(session: Session) -> list[DiskSample]:
    """Return what the node has kept of the last day, the oldest first."""
    return list(session.scalars(select(DiskSample).order_by(DiskSample.at)))


def bytes_per_second(samples: Sequence[DiskSample]) -> float:
    """Return the rate at which free space goes, by least squares; negative where it grows, 0 for fewer than two."""
    if len(samples) < 2:
        return 0.0
    seconds = [(sample.at - samples[0].at).total_seconds() for sample in samples]
    mean_seconds = sum(seconds) / len(seconds)
    mean_free = sum(sample.free for sample in samples) / len(samples)
    spread = sum((each - mean_seconds) ** 2 for each in seconds)
    together = sum(
        (each - mean_seconds) * (sample.free - mean_free) for each, sample in zip(seconds, samples, strict=True)
    )
    return -together / spread


def seconds_to_level(samples: Sequence[DiskSample], level: int) -> float | None:
    """Return in how many seconds only ``level`` bytes are free at that rate; None where that is not in sight."""
    if not samples:
        return None
    left = samples[-1].free - level
    if left <= 0:
        return 0.0
    rate = bytes_per_second(samples)
    return left / rate if rate > 0 else None
