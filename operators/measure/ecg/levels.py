"""Levels and net areas of each lead of a median beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from operators.measure.ecg.fiducials import Fiducials
from operators.measure.ecg.intervals import frontal_axis
from operators.measure.ecg.templates import MedianBeat

Signal = NDArray[np.float64]

_ST_SECONDS = 0.060
_LEVEL_SECONDS = (0.018, 0.008)
"""The level of the heart at rest is taken so long before QRS: at its onset it has risen where noise hides its start."""


@dataclass(frozen=True)
class LeadLevels:
    """One lead of the median beat, in mV against the level just before QRS."""

    r: float
    """Its largest positive deflection within QRS."""
    s: float
    """Its largest negative deflection within QRS."""
    q: float
    """Its largest negative deflection before the positive one."""
    late: float
    """Its largest deflection in the last third of QRS."""
    j: float
    """At the end of QRS."""
    st: float
    """60 ms later."""
    t: float
    """The largest deflection of the T wave."""
    st_error: float
    """The standard error of ``st`` and ``j``, from the spread of the beats."""


@dataclass(frozen=True)
class Axes:
    """Frontal axes in degrees; None where leads I or aVF or the wave are absent."""

    p: float | None
    qrs: float | None
    t: float | None


@dataclass(frozen=True)
class _Places:
    """Samples of a median beat."""

    rest: slice
    qrs: slice
    st: int
    after: slice
    p: slice | None


def lead_levels(names: tuple[str, ...], median: MedianBeat, waves: Fiducials) -> dict[str, LeadLevels]:
    """Return the levels of each lead by name."""
    places = _places(median, waves)
    return {
        name: _levels(lead - np.median(lead[places.rest]), float(error), places)
        for name, lead, error in zip(names, median.signal, _st_errors(median, places), strict=True)
    }


def frontal_axes(names: tuple[str, ...], median: MedianBeat, waves: Fiducials) -> Axes:
    """Return the axes of P, QRS and T from net areas."""
    if "I" not in names or "aVF" not in names:
        return Axes(None, None, None)
    places = _places(median, waves)
    pair = [median.signal[names.index(name)] for name in ("I", "aVF")]
    one, foot = (lead - np.median(lead[places.rest]) for lead in pair)

    def axis(place: slice | None) -> float | None:
        return None if place is None else frontal_axis(float(one[place].sum()), float(foot[place].sum()))

    return Axes(axis(places.p), axis(places.qrs), axis(places.after))


def _places(median: MedianBeat, waves: Fiducials) -> _Places:
    length = median.signal.shape[1]

    def sample(seconds: float) -> int:
        return int(np.clip(median.reference + round(seconds * median.sampling_frequency), 0, length - 1))

    onset, end = sample(waves.qrs_onset), sample(waves.qrs_end)
    t_end = length - 1 if waves.t_end is None else sample(waves.t_end)
    first, last = (sample(waves.qrs_onset - seconds) for seconds in _LEVEL_SECONDS)
    has_p = waves.p_onset is not None and waves.p_end is not None
    return _Places(
        rest=slice(first, last + 1),
        qrs=slice(onset, end + 1),
        st=sample(waves.qrs_end + _ST_SECONDS),
        after=slice(end, max(t_end, end + 1)),
        p=slice(sample(waves.p_onset or 0.0), sample(waves.p_end or 0.0)) if has_p else None,
    )


def _levels(lead: Signal, error: float, places: _Places) -> LeadLevels:
    qrs, after = lead[places.qrs], lead[places.after]
    late = qrs[2 * len(qrs) // 3 :]
    return LeadLevels(
        r=float(max(0.0, qrs.max())),
        s=float(min(0.0, qrs.min())),
        q=float(min(0.0, qrs[: np.argmax(qrs) + 1].min())),
        late=float(late[np.argmax(np.abs(late))]),
        j=float(qrs[-1]),
        st=float(lead[places.st]),
        t=float(after[np.argmax(np.abs(after))]),
        st_error=error,
    )


def _st_errors(median: MedianBeat, places: _Places) -> Signal:
    """Of the median of the beats' ST levels, (lead,): that of a mean would be smaller by a factor of 1.25."""
    spread = np.hypot(median.spread[:, places.st], median.spread[:, places.rest].mean(axis=1))
    return np.asarray(1.25 * spread / np.sqrt(median.count))
