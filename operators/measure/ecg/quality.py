"""Whether a recording can be measured at all."""

from __future__ import annotations

import numpy as np

from operators.measure.ecg.templates import MedianBeat
from operators.read.waveforms.ecg_leads import EcgLeads

_LEAST_SIGNAL_TO_NOISE = 5.0
LEAST_CLEARNESS = 20.0
"""QRS begins and ends at a tenth of its fastest change: what is left of noise must not come near that."""
SURE_CLEARNESS = 30.0
"""Few leads have no others to tell noise from the end of a wave; in a complete block P waves fall upon the beats."""
_LEAST_DOMINANT_PART = 1 / 3
_LEAST_HERTZ = 100.0
"""At 50 Hz, which PS3.3 allows for ambulatory recordings, a QRS complex of 90 ms measures 120 ms."""
_LEAST_SECONDS = 1.0
_SHORTEST_QRS_SECONDS = 0.02
_LONGEST_QRS_SECONDS = 0.3


class UnmeasurableError(ValueError):
    """The recording cannot be measured: the message tells why."""


def require_recording(leads: EcgLeads, *, least_seconds: float = _LEAST_SECONDS) -> None:
    """Raise :class:`UnmeasurableError` where a recording is too short, or sampled too rarely, for any measurement."""
    if leads.sampling_frequency < _LEAST_HERTZ:
        raise UnmeasurableError(
            f"sampled {leads.sampling_frequency:g} times a second, {_LEAST_HERTZ:g} times are needed"
        )
    if leads.duration < least_seconds:
        raise UnmeasurableError(f"{leads.duration:.2g} s were recorded, {least_seconds:g} s are needed")


def require_qrs(seconds: float) -> None:
    """Raise :class:`UnmeasurableError` for a QRS complex longer or shorter than any heart's: waves that never rest."""
    if not _SHORTEST_QRS_SECONDS <= seconds <= _LONGEST_QRS_SECONDS:
        raise UnmeasurableError(f"what recurs lasts {1000 * seconds:.0f} ms: no QRS complex can be told")


def signal_to_noise(median: MedianBeat) -> float:
    """The largest deflection of a median beat over the usual deviation of single beats from it, all leads together."""
    noise = float(np.median(np.sqrt((median.spread**2).sum(axis=0))))
    size = float(np.sqrt((median.signal**2).sum(axis=0)).max())
    return size / max(noise, 1e-9)


def clearness(median: MedianBeat, count: int | None = None) -> float:
    """How many times larger a median beat is than the noise that is left in it, or in one of ``count`` such beats."""
    return signal_to_noise(median) * float(np.sqrt(median.count if count is None else count))


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
