"""Sort beats by their shape, and average those of one shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from operators.read.waveforms.ecg_leads import EcgLeads

Signal = NDArray[np.float64]
Samples = NDArray[np.int64]

_QRS_SECONDS = 0.10
_SHIFT_SECONDS = 0.024
_ALIKE = 0.88
"""Correlation over all leads from which two QRS complexes are of one shape."""
_QUIET_PERCENTILE = 15
_QUIET_SECONDS = 0.08
"""As long as the rest between P and QRS: longer moments of a fast heart all hold a wave."""
_LEAST_POSSIBLE = 0.8
"""However noisy a recording is: below, beats of different origin are alike."""
_BEFORE_SECONDS = 0.42
_AFTER_SECONDS = 0.64
_LEAST_AFTER_SECONDS = 0.36
_PREMATURE = 0.75
"""A beat that comes after less than this part of the usual pause would lie in the T wave's window of the one before."""
_LEAST_UNDISTURBED = 2
"""One beat tells nothing of the noise."""
_USUAL_PERCENTILE = 60
_MANY = 0.25
_COMPARABLE = 0.5
_LATER = 1.2


@dataclass(frozen=True, eq=False)
class BeatClass:
    """Beats of one shape: their samples (aligned on the first of them) and numbers among all beats.

    ``since`` and ``until`` are how many samples after the beat before and before the next beat each comes; infinite at
    both ends of the recording.
    """

    samples: Samples
    numbers: tuple[int, ...]
    since: Signal
    until: Signal

    @property
    def usual_pause(self) -> float:
        """How many samples after a beat of this shape the next beat usually comes: soon, where it is premature.

        Where premature beats follow half of them it is the pause after the others, not something between.
        """
        known = self.until[np.isfinite(self.until)]
        return float(np.percentile(known, _USUAL_PERCENTILE, method="higher")) if known.size else np.inf

    @property
    def usual_since(self) -> float:
        """How many samples after the beat before a beat of this shape usually comes; infinite where none is known."""
        known = self.since[np.isfinite(self.since)]
        return float(np.median(known)) if known.size else np.inf


@dataclass(frozen=True, eq=False)
class MedianBeat:
    """The median of ``count`` beats (lead, sample) in mV; ``reference`` is the sample on which they were aligned.

    ``spread`` is the beats' deviation from it, of its shape: the median absolute one, scaled to a standard deviation.
    """

    signal: Signal
    spread: Signal
    reference: int
    sampling_frequency: float
    count: int


def sort_beats(leads: EcgLeads, beats: Samples) -> tuple[BeatClass, ...]:
    """Return the classes of beats by shape, the dominant one first: that of the most beats.

    Of two with about as many beats, as in bigeminy, the one is dominant that comes after the longer pause: the other's
    beats are premature.
    """
    reach, shift = (round(seconds * leads.sampling_frequency) for seconds in (_QRS_SECONDS, _SHIFT_SECONDS))
    noise = _noise(leads.signal, reach, round(_QUIET_SECONDS * leads.sampling_frequency))
    templates: list[Signal] = []
    members: list[list[tuple[int, int]]] = []
    for number, sample in enumerate(beats):
        if sample - reach - shift < 0 or sample + reach + shift >= leads.signal.shape[1]:
            continue
        best, best_at, at_shift = 0.0, None, 0
        for index, template in enumerate(templates):
            score, moved = _best_correlation(leads.signal, int(sample), template, reach, shift)
            if score > best:
                best, best_at, at_shift = score, index, moved
        if best_at is None or best < _ALIKE * _best_possible(leads.signal, int(sample), reach, noise):
            templates.append(_window(leads.signal, int(sample), reach).copy())
            members.append([(number, int(sample))])
            continue
        aligned = int(sample) + at_shift
        members[best_at].append((number, aligned))
        # The template follows slow changes, as with breathing.
        templates[best_at] += (_window(leads.signal, aligned, reach) - templates[best_at]) / min(
            len(members[best_at]), 10
        )
    until = np.append(np.diff(beats), np.inf)
    since = np.append(np.inf, np.diff(beats))
    classes = []
    for each in members:
        numbers = [number for number, _ in each]
        samples = np.array([sample for _, sample in each], dtype=np.int64)
        classes.append(BeatClass(samples, tuple(numbers), since[numbers], until[numbers]))
    basic = _basic(classes, len(beats))
    return tuple(sorted(classes, key=lambda each: (each is not basic, -len(each.samples))))


def _basic(classes: list[BeatClass], count: int) -> BeatClass | None:
    """The shape of the basic rhythm among those of many beats; None where noise has scattered all of them."""
    enough = max(_MANY * count, _COMPARABLE * max((len(each.samples) for each in classes), default=0), 2)
    many = [each for each in classes if len(each.samples) >= enough]
    if not many:
        return None
    most = max(many, key=lambda each: len(each.samples))
    last = max(many, key=_pause_before)
    return last if _pause_before(last) > _LATER * _pause_before(most) else most


def _pause_before(each: BeatClass) -> float:
    return float(np.median(each.since[np.isfinite(each.since)]))


def median_beat(leads: EcgLeads, members: BeatClass, cycle: float) -> MedianBeat | None:
    """Return the median of the beats of a shape, None where the recording begins or ends within each of them.

    ``cycle`` (s) is the usual time from beat to beat. Beats that a premature one follows are left out: it would be
    taken for their T wave. So are premature ones of the same shape, whose P wave is another; unless hardly any is left.
    """
    frequency = leads.sampling_frequency
    reach = min(cycle, members.usual_pause / frequency)
    before = round(_BEFORE_SECONDS * frequency)
    after = round(min(_AFTER_SECONDS, max(0.9 * reach, _LEAST_AFTER_SECONDS)) * frequency)
    whole = (members.samples >= before) & (members.samples + after < leads.signal.shape[1])
    if not whole.any():
        return None
    undisturbed = whole & (members.until >= _PREMATURE * members.usual_pause)
    undisturbed &= members.since >= _PREMATURE * members.usual_since
    chosen = members.samples[undisturbed if undisturbed.sum() >= _LEAST_UNDISTURBED else whole]
    stack = np.stack([leads.signal[:, sample - before : sample + after] for sample in chosen])
    median = np.median(stack, axis=0)
    spread = 1.48 * np.median(np.abs(stack - median), axis=0)
    return MedianBeat(median, spread, before, frequency, len(chosen))


def _window(signal: Signal, sample: int, reach: int) -> Signal:
    return signal[:, sample - reach : sample + reach + 1]


def _noise(signal: Signal, reach: int, length: int) -> float:
    """The energy that a window of all leads has in the quieter moments, each of ``length`` samples, between beats."""
    starts = np.arange(0, max(1, signal.shape[1] - length), max(1, length // 2))
    quiet = [float(signal[:, start : start + length].var(axis=1).sum()) for start in starts]
    return (2 * reach + 1) * float(np.percentile(quiet, _QUIET_PERCENTILE))


def _best_possible(signal: Signal, sample: int, reach: int, noise: float) -> float:
    """The correlation that a beat with noise on it has with others of its shape: not all of it is the beat's."""
    energy = float((_window(signal, sample, reach) ** 2).sum())
    return max(_LEAST_POSSIBLE, 1 - noise / energy) if energy > 0 else 1.0


def _best_correlation(signal: Signal, sample: int, template: Signal, reach: int, shift: int) -> tuple[float, int]:
    """The best correlation with a template over small shifts; shapes of different size are not alike."""
    norm = float(np.sqrt((template**2).sum()))
    best, best_shift = 0.0, 0
    for moved in range(-shift, shift + 1, 2):
        window = _window(signal, sample + moved, reach)
        own = float(np.sqrt((window**2).sum()))
        if own == 0 or norm == 0 or not 0.5 < own / norm < 2.0:
            continue
        score = float((window * template).sum()) / (own * norm)
        if score > best:
            best, best_shift = score, moved
    return best, best_shift
