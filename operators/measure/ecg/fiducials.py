"""Onset and end of P, QRS and T on a median beat, over all leads together (global, as IEC 60601-2-25 measures)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from operators.measure.ecg.filtering import spatial_velocity
from operators.measure.ecg.quality import UnmeasurableError
from operators.measure.ecg.templates import MedianBeat

Signal = NDArray[np.float64]

_QRS_REACH_SECONDS = 0.16
_QRS_FRACTION = 0.10
"""QRS begins and ends where all leads together change by this part of their fastest change."""
_NOISE_PERCENTILE = 65
"""Between P and T nothing but noise changes; where it is fast, QRS ends where it gets lost in it."""
_FASTER_THAN_USUAL = 2.0
"""Half of the time of a beat the leads change much less than in QRS; those of a sine do not."""
_WIDENING_SECONDS = 0.003
"""Smoothing moves the moment at which the speed passes that limit outwards by about its own standard deviation."""
_FLAT_SECONDS = 0.016
_NEAR_BASELINE = 0.4
"""At the crest of a wide wave nothing changes for a moment, too: there the leads are far from the baseline."""
_STEEP_FRACTION = 0.3
_LOUDEST_PERCENTILE = 98
_PAUSE_SECONDS = 0.06
"""Behind such a crest QRS goes on as steeply as T never is."""
_REST_SECONDS = (0.022, 0.008)
"""Before QRS the heart is at rest: that is the level from which T rises."""
_T_FIRST_SECONDS = 0.07
_USUAL_QT_SECONDS = 0.400
_T_PEAK_PART = 0.76
_T_SPREAD_SECONDS = 0.12
_T_LATEST = 1.6
"""So many spreads after the usual moment there is no T wave, however long QT is, but the next P wave."""
_T_UNDERSHOOT = 0.1
_T_GAP_SECONDS = 0.03
"""T ends so long before the next QRS at least: what goes on until then is P, or the next QRS."""
_P_REACH_SECONDS = 0.34
_P_GAP_SECONDS = 0.012
_P_REST_SECONDS = 0.04
"""Between T and P so much rest is needed to tell the onset of P: of a P wave on T only the end is seen."""
_P_PART_SECONDS = 0.08
_P_WHOLE_SECONDS = 0.08
"""So soon behind T a shorter P wave has its first part upon T."""
_P_REST_PART = 0.7
"""A first part of P is no longer, though T may end more slowly; and it is larger than this part of the second one."""
_SMOOTH_SECONDS = 0.008
_P_WIDENING_SECONDS = 0.005
"""The smoothing makes P wider by about half its standard deviation."""
_P_SIGNAL_TO_NOISE = 4.0
_P_LEAST_MILLIVOLT = 0.025
_P_SHORTEST_SECONDS = 0.05
_P_LONGEST_SECONDS = 0.2


@dataclass(frozen=True)
class Fiducials:
    """Times in s from the median beat's reference; None for a wave that is not there.

    ``p_on_t`` tells that P begins before T of the beat before has ended: then its onset is hidden, and None.
    """

    p_onset: float | None
    p_end: float | None
    qrs_onset: float
    qrs_end: float
    t_peak: float | None
    t_end: float | None
    p_on_t: bool = False


def find_fiducials(beat: MedianBeat, cycle: float, since: float) -> Fiducials:
    """Return the waves of a median beat; ``cycle`` is the usual time from beat to beat, ``since`` that before it (s).

    Before the beats of one shape the time may be longer or shorter than the usual one, as in bigeminy.
    """
    onset, end = _qrs(beat, cycle)
    t_peak, t_end = _t_wave(beat, onset, end, cycle)
    # P comes after the T wave of the beat before; where that was not found, after the time in which it is.
    before = end + round(_T_FIRST_SECONDS * beat.sampling_frequency) if t_end is None else t_end
    earliest = before - since * beat.sampling_frequency
    p_onset, p_end = _p_wave(beat, onset, round(max(0.0, earliest)))
    hidden = p_onset is not None and not _rests_before(beat, earliest, p_onset, p_end or p_onset)
    return Fiducials(
        p_onset=None if hidden else _seconds(beat, p_onset),
        p_end=None if hidden else _seconds(beat, p_end),
        qrs_onset=_time(beat, onset),
        qrs_end=_time(beat, end),
        t_peak=_seconds(beat, t_peak),
        t_end=_seconds(beat, t_end),
        p_on_t=hidden,
    )


def _qrs(beat: MedianBeat, cycle: float) -> tuple[int, int]:
    frequency = beat.sampling_frequency
    speed = spatial_velocity(beat.signal, frequency)
    reach = round(_QRS_REACH_SECONDS * frequency)
    first, last = max(0, beat.reference - reach), min(len(speed), beat.reference + reach)
    top = first + int(np.argmax(speed[first:last]))
    # What lies before is the beat before.
    begin = max(0, beat.reference + reach - round(cycle * frequency))
    if max(begin, first - reach) >= first + reach // 3:
        raise UnmeasurableError(f"beats seem to follow each other after {cycle:.2f} s: no rest before QRS can be told")
    if speed[top] < _FASTER_THAN_USUAL * np.median(speed[begin:last]):
        raise UnmeasurableError("what recurs lasts from beat to beat: nothing in it is faster than the rest of it")
    rest = np.percentile(speed[max(begin, first - reach) : first + reach // 3], 20)
    noise = np.percentile(speed[begin:first], _NOISE_PERCENTILE) if first - begin > reach // 2 else 0.0
    limit = max(rest + _QRS_FRACTION * (speed[top] - rest), noise)
    away = np.sqrt(((beat.signal - np.median(beat.signal, axis=1, keepdims=True)) ** 2).sum(axis=0))
    calm = speed < limit
    near = away < _NEAR_BASELINE * away[first:last].max()
    flat = round(_FLAT_SECONDS * frequency)
    widened = round(_WIDENING_SECONDS * frequency)
    # Behind QRS the leads may stay far from the baseline, as over an infarction: there it ends with its last fast part.
    loudest = np.percentile(speed[begin:first], _LOUDEST_PERCENTILE) if first > begin else 0.0
    steep = max(limit, loudest, rest + _STEEP_FRACTION * (speed[top] - rest))
    fast_until = _last_fast(speed[: last + 1], top, steep, round(_PAUSE_SECONDS * frequency))
    return _leave(calm & near, top, -1, flat) + widened, _leave(calm, fast_until, 1, flat) - widened


def _last_fast(speed: Signal, top: int, limit: float, pause: int) -> int:
    """The last sample faster than a limit after ``top`` that follows another one within a pause."""
    fast = top + np.flatnonzero(speed[top:] >= min(limit, speed[top]))
    gaps = np.flatnonzero(np.diff(fast) > pause)
    return int(fast[gaps[0]] if gaps.size else fast[-1])


def _leave(calm: NDArray[np.bool_], start: int, step: int, flat: int) -> int:
    """Walk from ``start`` until it has been calm for ``flat`` samples; return the first of them."""
    place, count = start, 0
    while 0 < place < len(calm) - 1:
        count = count + 1 if calm[place] else 0
        if count >= flat:
            return place - step * (count - 1)
        place += step
    return place


def _t_wave(beat: MedianBeat, qrs_onset: int, qrs_end: int, cycle: float) -> tuple[int | None, int | None]:
    """The end of T where the steepest tangent after its peak meets the baseline (Lepeschkin & Surawicz 1952)."""
    frequency = beat.sampling_frequency
    first = qrs_end + round(_T_FIRST_SECONDS * frequency)
    last = min(beat.signal.shape[1], qrs_onset + round((cycle - _T_GAP_SECONDS) * frequency))
    if last - first < round(0.08 * frequency):
        return None, None
    smooth = gaussian_filter1d(beat.signal, _SMOOTH_SECONDS * frequency, axis=1)[:, :last]
    wave = _principal(smooth, first, smooth.shape[1])
    rest = slice(
        max(0, qrs_onset - round(_REST_SECONDS[0] * frequency)), qrs_onset - round(_REST_SECONDS[1] * frequency)
    )
    level = float(np.median(wave[rest]))
    height = np.abs(wave - level)
    # A P wave may be as large as T: the crest that lies where T is to be expected is T.
    expected = qrs_onset + round(_T_PEAK_PART * _USUAL_QT_SECONDS * np.cbrt(cycle) * frequency)
    crests, _ = find_peaks(height[first:], prominence=0.25 * height[first:].max())
    if not crests.size:
        return None, None
    crests = crests + first
    distance = (crests - expected) / (_T_SPREAD_SECONDS * np.cbrt(cycle) * frequency)
    crests, distance = crests[distance < _T_LATEST], distance[distance < _T_LATEST]
    if not crests.size:
        return None, None
    peak = int(crests[np.argmax(height[crests] * np.exp(-(distance**2) / 2))])
    sign = np.sign(wave[peak] - level)
    # What lies far on the other side of the baseline behind T is the next P wave.
    lowest = sign * level - _T_UNDERSHOOT * height[peak]
    end = _tangent(sign * wave, peak, 1, max(lowest, _level_after(sign * wave, peak)), last - 1)
    # A wave that is not over by then is not measured.
    return (peak, end) if end < last - 1 or last == beat.signal.shape[1] else (peak, None)


def _level_after(wave: Signal, peak: int) -> float:
    """The level to which a positive wave returns behind its peak."""
    return float(np.percentile(wave[peak:], 12))


def _p_wave(beat: MedianBeat, qrs_onset: int, earliest: int) -> tuple[int | None, int | None]:
    frequency = beat.sampling_frequency
    last = qrs_onset - round(_P_GAP_SECONDS * frequency)
    first = max(0, earliest, qrs_onset - round(_P_REACH_SECONDS * frequency))
    limits = p_limits(beat.signal[:, first:last], frequency) if last > first else None
    return (None, None) if limits is None else (first + limits[0], first + limits[1])


def _rests_before(beat: MedianBeat, earliest: float, onset: int, end: int) -> bool:
    """Whether there is rest between T and P: what ends there soon before is the first part of P itself, upon T."""
    gap = (onset - earliest) / beat.sampling_frequency
    if gap < _P_REST_SECONDS or gap > _P_PART_SECONDS:
        return gap > _P_PART_SECONDS
    if end - onset < _P_WHOLE_SECONDS * beat.sampling_frequency:
        return False
    smooth = gaussian_filter1d(beat.signal, _SMOOTH_SECONDS * beat.sampling_frequency, axis=1)
    away = np.sqrt(((smooth - smooth[:, onset : onset + 1]) ** 2).sum(axis=0))
    rest = away[round(max(0.0, earliest)) : onset]
    return not rest.size or bool(rest.max() < _P_REST_PART * away[onset : end + 1].max())


def p_limits(signal: Signal, frequency: float) -> tuple[int, int] | None:
    """Return the first and last sample of the one P wave in a piece of leads (mV), or None where there is none."""
    length = signal.shape[1]
    if length < round(_P_SHORTEST_SECONDS * frequency):
        return None
    smooth = gaussian_filter1d(signal, _SMOOTH_SECONDS * frequency, axis=1, mode="nearest")
    # What is left of the T wave before is a slope: it is no P wave.
    window = smooth - _line(smooth)
    wave = _principal(window, 0, length)
    peak = int(np.argmax(np.abs(wave)))
    wave = np.sign(wave[peak]) * wave
    noise = float(np.median(np.abs(signal - smooth))) * 1.48
    size = float(np.abs(window[:, peak]).max())
    if size < max(_P_LEAST_MILLIVOLT, _P_SIGNAL_TO_NOISE * noise / np.sqrt(_SMOOTH_SECONDS * frequency)):
        return None
    if not round(0.02 * frequency) < peak < length - 3:
        return None
    widened = round(_P_WIDENING_SECONDS * frequency)
    onset = _tangent(wave, peak, -1, 0.0, 0) + widened
    end = _tangent(wave, peak, 1, 0.0, length - 1) - widened
    return (onset, end) if _P_SHORTEST_SECONDS <= (end - onset) / frequency <= _P_LONGEST_SECONDS else None


def _line(smooth: Signal) -> Signal:
    """A straight line for each lead through the means of both ends."""
    length = smooth.shape[1]
    width = max(2, length // 12)
    left = smooth[:, :width].mean(axis=1, keepdims=True)
    right = smooth[:, -width:].mean(axis=1, keepdims=True)
    return left + (right - left) * np.linspace(0, 1, length)[None]


def _principal(signal: Signal, first: int, last: int) -> Signal:
    """The lead, of all that can be made of these, in which a window has the most energy."""
    window = signal[:, first:last]
    window = window - window.mean(axis=1, keepdims=True)
    directions, _, _ = np.linalg.svd(window, full_matrices=False)
    return np.asarray(directions[:, 0] @ signal)


def _tangent(wave: Signal, peak: int, step: int, level: float, end: int) -> int:
    """Where the steepest tangent on one side of a positive wave's peak meets the level."""
    slope = np.gradient(wave)
    side = np.arange(peak, end + step, step)
    # A second wave behind the first one, such as a U wave, rises again: the search ends there.
    rising = np.flatnonzero((wave[side] - level < 0.5 * (wave[peak] - level)) & (step * slope[side] > 0))
    side = side[: rising[0] + 1] if rising.size else side
    steepest = side[int(np.argmin(step * slope[side]))]
    if step * slope[steepest] >= 0:
        return int(side[-1])
    crossing = steepest + (level - wave[steepest]) / slope[steepest]
    return int(np.clip(round(float(crossing)), min(peak, end), max(peak, end)))


def _time(beat: MedianBeat, place: int) -> float:
    return (place - beat.reference) / beat.sampling_frequency


def _seconds(beat: MedianBeat, place: int | None) -> float | None:
    return None if place is None else _time(beat, place)
