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
_BEFORE_SECONDS = 0.42
_AFTER_SECONDS = 0.64


@dataclass(frozen=True, eq=False)
class BeatClass:
    """Beats of one shape: their samples (aligned on the first of them) and numbers among all beats."""

    samples: Samples
    numbers: tuple[int, ...]


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
    """Return the classes of beats by shape, the dominant one first: that of the most beats."""
    reach, shift = (round(seconds * leads.sampling_frequency) for seconds in (_QRS_SECONDS, _SHIFT_SECONDS))
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
        if best_at is None or best < _ALIKE:
            templates.append(_window(leads.signal, int(sample), reach).copy())
            members.append([(number, int(sample))])
            continue
        aligned = int(sample) + at_shift
        members[best_at].append((number, aligned))
        # The template follows slow changes, as with breathing.
        templates[best_at] += (_window(leads.signal, aligned, reach) - templates[best_at]) / min(
            len(members[best_at]), 10
        )
    classes = [
        BeatClass(np.array([sample for _, sample in each], dtype=np.int64), tuple(number for number, _ in each))
        for each in members
    ]
    return tuple(sorted(classes, key=lambda each: -len(each.samples)))


def median_beat(leads: EcgLeads, beats: Samples, cycle: float) -> MedianBeat | None:
    """Return the median of the beats at some samples, None where the recording begins or ends within each of them.

    ``cycle`` (s) is the usual time from beat to beat.
    """
    frequency = leads.sampling_frequency
    before = round(_BEFORE_SECONDS * frequency)
    after = round(min(_AFTER_SECONDS, max(0.9 * cycle, 0.36)) * frequency)
    whole = [sample for sample in beats if sample >= before and sample + after < leads.signal.shape[1]]
    if not whole:
        return None
    stack = np.stack([leads.signal[:, sample - before : sample + after] for sample in whole])
    median = np.median(stack, axis=0)
    spread = 1.48 * np.median(np.abs(stack - median), axis=0)
    return MedianBeat(median, spread, before, frequency, len(whole))


def _window(signal: Signal, sample: int, reach: int) -> Signal:
    return signal[:, sample - reach : sample + reach + 1]


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
