"""Whether a recording can be measured at all."""

from __future__ import annotations

import numpy as np

from operators.measure.ecg.templates import MedianBeat

_LEAST_SIGNAL_TO_NOISE = 5.0
_LEAST_DOMINANT_PART = 1 / 3


class UnmeasurableError(ValueError):
    """The recording cannot be measured: the message tells why."""


def signal_to_noise(median: MedianBeat) -> float:
    """The largest deflection of a median beat over the usual deviation of single beats from it, all leads together."""
    noise = float(np.median(np.sqrt((median.spread**2).sum(axis=0))))
    size = float(np.sqrt((median.signal**2).sum(axis=0)).max())
    return size / max(noise, 1e-9)


def require_signal(median: MedianBeat, dominant_beats: int, all_beats: int) -> None:
    """Raise :class:`UnmeasurableError` where noise hides the beats' shape, or where their waves begin and end.

    ``median`` is that of the dominant shape, which ``dominant_beats`` of ``all_beats`` have.
    """
    if dominant_beats < _LEAST_DOMINANT_PART * all_beats:
        raise UnmeasurableError(f"no more than {dominant_beats} of {all_beats} beats are of one shape")
    found = signal_to_noise(median)
    if found < _LEAST_SIGNAL_TO_NOISE:
        raise UnmeasurableError(
            f"QRS is {found:.1f} times as large as the noise, {_LEAST_SIGNAL_TO_NOISE:g} times are needed"
        )
