"""The atria's own rhythm: P waves in what is left when the ventricles' waves are taken out of a recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import find_peaks

from operators.measure.ecg.fiducials import Fiducials
from operators.measure.ecg.filtering import bandpassed
from operators.measure.ecg.templates import BeatClass, MedianBeat
from operators.read.waveforms.ecg_leads import EcgLeads

Signal = NDArray[np.float64]
Samples = NDArray[np.int64]

_BAND_HERTZ = (1.0, 25.0)
_HALF_P_SECONDS = 0.06
_REFRACTORY_SECONDS = 0.11
_ALIKE = 0.6
_GAINS = (0.4, 2.2)
_PROMINENCE = 4.0
_LEAST_WAVES = 3
_TAPER_SECONDS = 0.02
_ALONE_SECONDS = (0.10, 0.48)
"""What is hidden of a beat that is the only one of its shape, before and after its reference."""


@dataclass(frozen=True, eq=False)
class VentricularWaves:
    """Beats of one shape, their median and its waves."""

    beats: BeatClass
    median: MedianBeat
    fiducials: Fiducials


@dataclass(frozen=True, eq=False)
class AtrialWaves:
    """The samples of the crests of the atria's waves, in order, and how like each other they are (0 to 1)."""

    crests: Samples
    likeness: float


def find_atrial_waves(leads: EcgLeads, shapes: Sequence[VentricularWaves], alone: Samples) -> AtrialWaves:
    """Return waves that recur with one shape between and within the ventricles' waves.

    ``alone`` are the samples of beats that have no other one of their shape.
    """
    rest, hidden = _without_ventricles(leads, shapes, alone)
    half = round(_HALF_P_SECONDS * leads.sampling_frequency)
    template = _known_template(rest, shapes[0], half)
    if template is None:
        template = _found_template(rest, hidden, half, leads.sampling_frequency)
    if template is None:
        return AtrialWaves(np.empty(0, dtype=np.int64), 0.0)
    gain, likeness = _matched(rest, template)
    likeness = np.where((gain > _GAINS[0]) & (gain < _GAINS[1]) & ~hidden, likeness, 0.0)
    crests, _ = find_peaks(likeness, height=_ALIKE, distance=round(_REFRACTORY_SECONDS * leads.sampling_frequency))
    if len(crests) < _LEAST_WAVES:
        return AtrialWaves(np.empty(0, dtype=np.int64), 0.0)
    return AtrialWaves(crests, float(np.median(likeness[crests])))


def _without_ventricles(
    leads: EcgLeads, shapes: Sequence[VentricularWaves], alone: Samples
) -> tuple[Signal, NDArray[np.bool_]]:
    """The leads without QRS and T, and where something is hidden: within QRS, and around beats without a median."""
    frequency = leads.sampling_frequency
    rest = leads.signal.copy()
    hidden = np.zeros(rest.shape[1], dtype=bool)
    for shape in shapes:
        waves = shape.fiducials
        last = waves.t_end if waves.t_end is not None else waves.qrs_end + 0.3
        begin = shape.median.reference + round((waves.qrs_onset - 0.008) * frequency)
        end = min(shape.median.signal.shape[1], shape.median.reference + round((last + 0.02) * frequency))
        piece = shape.median.signal[:, begin:end] - shape.median.signal[:, begin : begin + 1]
        piece = piece * _taper(piece.shape[1], round(_TAPER_SECONDS * frequency))
        for sample in shape.beats.samples:
            start = int(sample) - shape.median.reference + begin
            _subtract(rest, piece, start)
            stop = int(sample) + round(waves.qrs_end * frequency)
            hidden[max(0, start) : max(0, stop)] = True
    for sample in alone:
        before, after = (round(seconds * frequency) for seconds in _ALONE_SECONDS)
        hidden[max(0, sample - before) : sample + after] = True
    rest = bandpassed(EcgLeads(leads.names, rest, frequency), *_BAND_HERTZ)
    return rest, hidden


def _subtract(rest: Signal, piece: Signal, start: int) -> None:
    first, last = max(0, start), min(rest.shape[1], start + piece.shape[1])
    if last > first:
        rest[:, first:last] -= piece[:, first - start : last - start]


def _taper(length: int, edge: int) -> Signal:
    window = np.ones(length)
    edge = min(edge, length)
    window[length - edge :] = np.cos(np.linspace(0, np.pi / 2, edge))
    return window


def _known_template(rest: Signal, dominant: VentricularWaves, half: int) -> Signal | None:
    """The P wave of the dominant beats: the median of what lies around its middle before each of them."""
    waves = dominant.fiducials
    if waves.p_onset is None or waves.p_end is None:
        return None
    middle = round((waves.p_onset + waves.p_end) / 2 * dominant.median.sampling_frequency)
    return _average(rest, dominant.beats.samples + middle, half)


def _found_template(rest: Signal, hidden: NDArray[np.bool_], half: int, frequency: float) -> Signal | None:
    """What the largest deflections between the beats have in common."""
    height = np.sqrt(uniform_filter1d((rest**2).sum(axis=0), max(1, half)))
    usual = float(np.median(height[~hidden])) if (~hidden).any() else 0.0
    crests, _ = find_peaks(
        np.where(hidden, 0.0, height), distance=round(2 * _REFRACTORY_SECONDS * frequency), height=1.6 * usual
    )
    return _average(rest, crests, half) if len(crests) >= _LEAST_WAVES else None


def _average(rest: Signal, places: Samples, half: int) -> Signal | None:
    whole = [place for place in places if half <= place < rest.shape[1] - half]
    if len(whole) < _LEAST_WAVES:
        return None
    template = np.median(np.stack([rest[:, place - half : place + half + 1] for place in whole]), axis=0)
    template = template - template.mean(axis=1, keepdims=True)
    return template if (template**2).sum() > 0 else None


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
