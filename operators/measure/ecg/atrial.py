"""The atria's own rhythm: P waves in what is left when the ventricles' waves are taken out of a recording."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import find_peaks

from operators.measure.ecg.fiducials import Fiducials, p_limits
from operators.measure.ecg.filtering import bandpassed
from operators.measure.ecg.rhythm import regular_part
from operators.measure.ecg.shapes import BeatShape, Shapes
from operators.read.waveforms.ecg_leads import EcgLeads

Signal = NDArray[np.float64]
Samples = NDArray[np.int64]
Mask = NDArray[np.bool_]

_BAND_HERTZ = (1.0, 25.0)
_HALF_P_SECONDS = 0.06
_AROUND_P_SECONDS = 0.13
_USUAL_P_SECONDS = 0.10
_REFRACTORY_SECONDS = 0.11
_ALIKE = 0.6
_GAINS = (0.4, 2.2)
_LEAST_WAVES = 3
_ROUNDS = 3
_TAPER_SECONDS = 0.02
_MARGIN_SECONDS = (0.02, 0.06)
_STRETCHES = (1.0, 0.88, 0.91, 0.94, 0.97, 1.03, 1.06, 1.09, 1.12)
_BETTER = 0.8
_LEAST_FITTED = 25
_ALONE_SECONDS = (0.10, 0.48)
"""What is hidden of a beat that is the only one of its shape, before and after its reference."""


@dataclass(frozen=True, eq=False)
class AtrialWaves:
    """The onsets of the atria's waves in s, in order, and how long each is."""

    onsets: NDArray[np.float64]
    duration: float


@dataclass(frozen=True, eq=False)
class _Rest:
    """The leads without QRS and T; ``hidden`` are samples of which nothing is known of the atria."""

    signal: Signal
    hidden: Mask
    frequency: float


def find_atrial_waves(leads: EcgLeads, shapes: Shapes, waves: Fiducials) -> AtrialWaves:
    """Return waves that recur with one shape between and within the ventricles' waves.

    ``waves`` are those of the dominant beat. Its own P wave is looked for, and what the largest deflections between
    the beats have in common: in a block P waves wander through the beats. The more regular of the two are the atria.
    """
    rest = _without_ventricles(leads, shapes)
    rounds = [_recurring(rest, places) for places in _candidates(rest, shapes, waves)]
    crests = max(rounds, key=lambda found: (round(regular_part(np.diff(found)), 1), len(found)), default=_NOTHING)
    shift, duration = _shape(rest, crests)
    return AtrialWaves(crests / rest.frequency + shift, duration)


_NOTHING = np.empty(0, dtype=np.int64)


def _candidates(rest: _Rest, shapes: Shapes, waves: Fiducials) -> Iterator[Samples]:
    if waves.p_onset is not None and waves.p_end is not None:
        middle = round((waves.p_onset + waves.p_end) / 2 * rest.frequency)
        yield shapes.dominant.beats.samples + middle
    half = round(_HALF_P_SECONDS * rest.frequency)
    height = np.sqrt(uniform_filter1d((rest.signal**2).sum(axis=0), half))
    usual = float(np.median(height[~rest.hidden])) if (~rest.hidden).any() else 0.0
    crests, _ = find_peaks(
        np.where(rest.hidden, 0.0, height), distance=round(2 * _REFRACTORY_SECONDS * rest.frequency), height=1.6 * usual
    )
    yield crests


def _recurring(rest: _Rest, places: Samples) -> Samples:
    """Where the common shape of some places recurs; found again from what it finds, as the places are not exact."""
    half = round(_HALF_P_SECONDS * rest.frequency)
    crests = _NOTHING
    for _ in range(_ROUNDS):
        template = _average(rest.signal, places, half)
        if template is None:
            return _NOTHING
        template = template - template.mean(axis=1, keepdims=True)
        gain, likeness = _matched(rest.signal, template)
        likeness = np.where((gain > _GAINS[0]) & (gain < _GAINS[1]) & ~rest.hidden, likeness, 0.0)
        crests, _ = find_peaks(likeness, height=_ALIKE, distance=round(_REFRACTORY_SECONDS * rest.frequency))
        places = crests
        if len(crests) >= 2 * _LEAST_WAVES:
            places = crests[likeness[crests] >= np.median(likeness[crests])]
    return crests if len(crests) >= _LEAST_WAVES else _NOTHING


def _shape(rest: _Rest, crests: Samples) -> tuple[float, float]:
    """From a crest to the onset of its wave (negative), and the wave's duration, in s."""
    half = round(_AROUND_P_SECONDS * rest.frequency)
    around = _average(rest.signal, crests, half)
    limits = None if around is None else p_limits(around, rest.frequency)
    if limits is None:
        return -_USUAL_P_SECONDS / 2, _USUAL_P_SECONDS
    onset, end = limits
    return (onset - half) / rest.frequency, (end - onset) / rest.frequency


def _without_ventricles(leads: EcgLeads, shapes: Shapes) -> _Rest:
    """Take QRS and T out; hidden is what lies within QRS, and around beats without a median."""
    frequency = leads.sampling_frequency
    rest = leads.signal.copy()
    hidden = np.zeros(rest.shape[1], dtype=bool)
    next_beat = dict(pairwise([*shapes.samples.tolist(), rest.shape[1]]))
    for shape in shapes.measured:
        waves, median = shape.waves, shape.median
        last = waves.t_end if waves.t_end is not None else waves.qrs_end + 0.3
        begin = median.reference + round((waves.qrs_onset - 0.008) * frequency)
        over = last + _margin(shape, frequency)
        end = min(median.signal.shape[1], median.reference + round(over * frequency))
        behind = median.reference + round(waves.qrs_end * frequency) - begin
        piece = median.signal[:, begin:end] - median.signal[:, begin : begin + 1]
        pieces = [each * _taper(each.shape[1], round(_TAPER_SECONDS * frequency)) for each in _stretched(piece, behind)]
        for number, sample in zip(shape.beats.numbers, shape.beats.samples.tolist(), strict=True):
            start = sample - median.reference + begin
            until = next_beat[int(shapes.samples[number])] + round(waves.qrs_onset * frequency)
            _subtract(rest, _fitting(rest, pieces, start, start + behind, until), start)
            stop = sample + round(waves.qrs_end * frequency)
            hidden[max(0, start) : max(0, stop)] = True
    for sample in shapes.alone:
        before, after = (round(seconds * frequency) for seconds in _ALONE_SECONDS)
        hidden[max(0, sample - before) : sample + after] = True
    return _Rest(bandpassed(EcgLeads(leads.names, rest, frequency), *_BAND_HERTZ), hidden, frequency)


def _margin(shape: BeatShape, frequency: float) -> float:
    """How long behind the end of T (s) its last part is taken out, too: the tangent leaves it; but not the next P."""
    waves = shape.waves
    if waves.t_end is None or waves.p_onset is None:
        return _MARGIN_SECONDS[0]
    free = shape.beats.usual_since / frequency + waves.p_onset - waves.t_end
    return float(np.clip(free, *_MARGIN_SECONDS))


def _stretched(piece: Signal, behind: int) -> list[Signal]:
    """QRS and T with T as it is, and somewhat later and earlier: QT follows the cycles before it."""
    places = np.arange(piece.shape[1])
    found = []
    for factor in _STRETCHES:
        moved = np.where(places > behind, behind + (places - behind) / factor, places)
        found.append(np.stack([np.interp(moved, places, lead) for lead in piece]))
    return found


def _fitting(rest: Signal, pieces: list[Signal], start: int, first: int, until: int) -> Signal:
    """The piece that leaves the least behind QRS, before the next beat; the first one where nothing tells."""
    first, last = max(0, first), min(rest.shape[1], until, start + pieces[0].shape[1])
    if last - first < _LEAST_FITTED or start < 0:
        return pieces[0]
    left = [np.var(rest[:, first:last] - piece[:, first - start : last - start], axis=1).sum() for piece in pieces]
    best = int(np.argmin(left))
    return pieces[best] if left[best] < _BETTER * left[0] else pieces[0]


def _subtract(rest: Signal, piece: Signal, start: int) -> None:
    first, last = max(0, start), min(rest.shape[1], start + piece.shape[1])
    if last > first:
        rest[:, first:last] -= piece[:, first - start : last - start]


def _taper(length: int, edge: int) -> Signal:
    window = np.ones(length)
    edge = min(edge, length)
    window[length - edge :] = np.cos(np.linspace(0, np.pi / 2, edge))
    return window


def _average(rest: Signal, places: Samples, half: int) -> Signal | None:
    whole = [place for place in places if half <= place < rest.shape[1] - half]
    if len(whole) < _LEAST_WAVES:
        return None
    average = np.median(np.stack([rest[:, place - half : place + half + 1] for place in whole]), axis=0)
    return average if average.any() else None


def _matched(rest: Signal, template: Signal) -> tuple[Signal, Signal]:
    """How large the template is at each sample, relative to itself, and how like it the leads are (-1 to 1)."""
    size = template.shape[1]
    product = np.sum(
        [np.convolve(lead, each[::-1], mode="same") for lead, each in zip(rest, template, strict=True)], axis=0
    )
    mean = uniform_filter1d(rest, size, axis=1)
    energy = (size * (uniform_filter1d(rest**2, size, axis=1) - mean**2)).sum(axis=0)
    norm = float((template**2).sum())
    likeness = product / np.sqrt(np.maximum(energy, 1e-12) * norm)
    return product / norm, likeness
