"""Which channels of a waveform, and when, as plain data (PS3.3 sections C.18.5 and C.18.7)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from pydicom.dataset import Dataset

RangeType = Literal["POINT", "MULTIPOINT", "SEGMENT", "MULTISEGMENT", "BEGIN", "END"]


@dataclass(frozen=True, eq=False)
class WaveformChannels:
    """Channels of a waveform instance, whose ``header`` it is.

    ``channels`` are pairs of multiplex group and channel, both from 1; channel 0 stands for all of its group, no pair
    for everything.
    """

    header: Dataset
    channels: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        groups = self.header.get("WaveformSequence")
        if groups is None:
            raise ValueError(f"{self.header.get('SOPInstanceUID')} is no waveform")
        for group, channel in self.channels:
            if not 1 <= group <= len(groups):
                raise ValueError(f"there is no multiplex group {group} among {len(groups)}")
            count = int(groups[group - 1].NumberOfWaveformChannels)
            if not 0 <= channel <= count:
                raise ValueError(f"multiplex group {group} has {count} channels, named is channel {channel}")


@dataclass(frozen=True, eq=False)
class TemporalCoordinates:
    """Points or ranges in time of a waveform: a SEGMENT is its first and its last point.

    Either ``sample_positions`` (from 1, in one multiplex group) or ``time_offsets`` (s after the start of the
    acquisition) tell when.
    """

    of: WaveformChannels
    range_type: RangeType
    sample_positions: tuple[int, ...] = ()
    time_offsets: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.sample_positions) == bool(self.time_offsets):
            raise ValueError("temporal coordinates have sample positions or time offsets, one of both")
        points = self.sample_positions or self.time_offsets
        least, exact = _POINTS.get(self.range_type, (0, None))
        if not least:
            raise ValueError(f"{self.range_type!r} is no temporal range type (PS3.3 C.18.7.1.1)")
        if len(points) < least or (exact is not None and len(points) != exact):
            raise ValueError(f"a {self.range_type} cannot have {len(points)} points")
        if self.range_type == "MULTISEGMENT" and len(points) % 2:
            raise ValueError("a MULTISEGMENT has two points for each segment")
        if not all(math.isfinite(point) for point in points):
            raise ValueError("every point in time must be finite")
        if self.range_type.endswith("SEGMENT") and list(points) != sorted(points):
            raise ValueError("segments must follow each other in time")
        if self.sample_positions:
            self._check_samples()

    def _check_samples(self) -> None:
        groups = {group for group, _ in self.of.channels}
        items = self.of.header.WaveformSequence
        if len(groups or range(len(items))) > 1:
            raise ValueError("sample positions are of one multiplex group (PS3.3 C.18.7)")
        count = int(items[min(groups, default=1) - 1].NumberOfWaveformSamples)
        if any(not 1 <= position <= count for position in self.sample_positions):
            raise ValueError(f"a sample position of {self.sample_positions} is not among the {count} samples")


_POINTS: dict[str, tuple[int, int | None]] = {
    "POINT": (1, 1),
    "MULTIPOINT": (1, None),
    "SEGMENT": (2, 2),
    "MULTISEGMENT": (2, None),
    "BEGIN": (1, 1),
    "END": (1, 1),
}
