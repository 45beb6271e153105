"""Simulate an electrocardiogram of which every beat, wave and interval is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import resample_poly

from phantoms.ecg import noise as noises
from phantoms.ecg.dipole import fibrillation, p_wave, pacing_spike, ventricular_waves
from phantoms.ecg.electrodes import ELECTRODES, LEADS, frontal_axis, potentials, swapped, twelve_leads
from phantoms.ecg.heart import Heart, Rhythm
from phantoms.ecg.noise import Noise
from phantoms.ecg.rhythm import Excitation, Origin, Sequence, excite

Signal = NDArray[np.float64]

_INTERNAL_HERTZ = 1000
_SMOOTHING_SECONDS = 0.0025
"""Tissue and amplifier round the corners of the half sines off."""
_MARGIN_SECONDS = 1.0
_ST_SECONDS = 0.060
_REST_SECONDS = 0.010
"""So long before QRS the heart is at rest: a sample at its onset may be within it."""


@dataclass(frozen=True)
class Beat:
    """One beat that lies wholly in the recording: times in s from its start; None where there is no such wave."""

    origin: Origin
    p_onset: float | None
    p_end: float | None
    qrs_onset: float
    r_peak: float
    qrs_end: float
    t_end: float


@dataclass(frozen=True, eq=False)
class SimulatedECG:
    """A recording and its truth.

    ``leads`` (12, n) are in mV in the order of :data:`phantoms.ecg.electrodes.LEADS`; ``clean`` is the same without
    noise. ``rate`` is in beats a minute over all beats; ``pr``, ``qrs``, ``qt`` (ms) are medians over the beats of the
    dominant kind, ``pr`` None where no beat is conducted from a P wave. ``axis`` is in degrees; ``st`` (mV) by lead
    is the level 60 ms after the end of QRS against that 10 ms before QRS.
    """

    heart: Heart
    sampling_frequency: float
    leads: Signal
    clean: Signal
    beats: tuple[Beat, ...]
    p_onsets: tuple[float, ...]
    rate: float
    pr: float | None
    qrs: float
    qt: float
    axis: float
    st: dict[str, float]

    def lead(self, name: str) -> Signal:
        """One lead in mV."""
        return self.leads[LEADS.index(name)]


def simulate_ecg(
    heart: Heart | None = None,
    *,
    seed: int = 0,
    seconds: float = 10.0,
    sampling_frequency: int = 500,
    noise: Noise = noises.NONE,
    swapped_electrodes: tuple[tuple[str, str], ...] = (),
) -> SimulatedECG:
    """Simulate ``seconds`` of twelve leads; the same arguments give the same recording."""
    heart = Heart() if heart is None else heart
    random = np.random.default_rng([seed, 3700])
    sequence = excite(heart, seconds, random)
    dipole, times = _dipole(heart, sequence, seconds, random)
    electrodes = swapped(potentials(dipole), *swapped_electrodes)
    noisy = electrodes + noise.at_electrodes(len(ELECTRODES), times, random)
    clean, leads = (_sampled(twelve_leads(each), sampling_frequency, seconds) for each in (electrodes, noisy))
    upright = _sampled(twelve_leads(potentials(dipole)), sampling_frequency, seconds)
    beats = tuple(_beats(heart, sequence, dipole, seconds))
    return _with_truth(heart, sampling_frequency, leads, clean, upright, beats, sequence.p_onsets)


def _dipole(heart: Heart, sequence: Sequence, seconds: float, random: np.random.Generator) -> tuple[Signal, Signal]:
    times = np.arange(-_MARGIN_SECONDS, seconds + _MARGIN_SECONDS, 1 / _INTERNAL_HERTZ)
    dipole = np.zeros((3, len(times)))
    for onset in sequence.p_onsets:
        dipole += p_wave(times, onset, heart.p)
    for beat in sequence.excitations:
        dipole += ventricular_waves(times, heart, beat)
        if beat.origin is Origin.PACED:
            dipole += pacing_spike(times, beat.qrs_onset)
    if heart.rhythm is Rhythm.ATRIAL_FIBRILLATION:
        dipole += fibrillation(times, random)
    # With each breath the heart turns a little.
    breath = 0.04 * np.sin(2 * np.pi * 0.23 * times)
    dipole = dipole * (1 + breath)
    return gaussian_filter1d(dipole, _SMOOTHING_SECONDS * _INTERNAL_HERTZ, axis=1), times


def _sampled(signal: Signal, frequency: int, seconds: float) -> Signal:
    common = int(np.gcd(frequency, _INTERNAL_HERTZ))
    resampled = resample_poly(signal, frequency // common, _INTERNAL_HERTZ // common, axis=1)
    start = round(_MARGIN_SECONDS * frequency)
    return np.ascontiguousarray(resampled[:, start : start + round(seconds * frequency)])


def _beats(heart: Heart, sequence: Sequence, dipole: Signal, seconds: float) -> list[Beat]:
    found = []
    for beat in sequence.excitations:
        end_of_t = beat.qrs_onset + beat.qt / 1000
        first = beat.qrs_onset if beat.p_onset is None else beat.p_onset
        if first < 0 or end_of_t > seconds:
            continue
        end = beat.qrs_onset + beat.qrs / 1000
        found.append(
            Beat(
                origin=beat.origin,
                p_onset=beat.p_onset,
                p_end=None if beat.p_onset is None else beat.p_onset + heart.p / 1000,
                qrs_onset=beat.qrs_onset,
                r_peak=_peak(dipole, beat),
                qrs_end=end,
                t_end=end_of_t,
            )
        )
    return found


def _peak(dipole: Signal, beat: Excitation) -> float:
    """When the dipole is longest within QRS."""
    first = round((beat.qrs_onset + _MARGIN_SECONDS) * _INTERNAL_HERTZ)
    last = round((beat.qrs_onset + beat.qrs / 1000 + _MARGIN_SECONDS) * _INTERNAL_HERTZ)
    length = np.linalg.norm(dipole[:, first:last], axis=0)
    return (first + int(np.argmax(length))) / _INTERNAL_HERTZ - _MARGIN_SECONDS


def _with_truth(
    heart: Heart,
    frequency: float,
    leads: Signal,
    clean: Signal,
    upright: Signal,
    beats: tuple[Beat, ...],
    p_onsets: tuple[float, ...],
) -> SimulatedECG:
    if len(beats) < 2:
        raise ValueError("a recording needs two whole beats at least")
    kinds = [beat.origin for beat in beats]
    dominant = [beat for beat in beats if beat.origin is max(set(kinds), key=kinds.count)]
    conducted = [beat.qrs_onset - beat.p_onset for beat in dominant if beat.p_onset is not None]
    onsets = [beat.qrs_onset for beat in beats]
    areas = {name: _net_area(upright[LEADS.index(name)], dominant, frequency) for name in ("I", "aVF")}
    return SimulatedECG(
        heart=heart,
        sampling_frequency=frequency,
        leads=leads,
        clean=clean,
        beats=beats,
        p_onsets=tuple(onset for onset in p_onsets if onset >= 0),
        rate=60 * (len(onsets) - 1) / (onsets[-1] - onsets[0]),
        pr=1000 * float(np.median(conducted)) if conducted else None,
        qrs=1000 * float(np.median([beat.qrs_end - beat.qrs_onset for beat in dominant])),
        qt=1000 * float(np.median([beat.t_end - beat.qrs_onset for beat in dominant])),
        axis=frontal_axis(areas["I"], areas["aVF"]),
        st={name: _st_level(row, dominant, frequency) for name, row in zip(LEADS, clean, strict=True)},
    )


def _net_area(lead: Signal, beats: list[Beat], frequency: float) -> float:
    return float(
        np.mean([lead[_sample(beat.qrs_onset, frequency) : _sample(beat.qrs_end, frequency)].sum() for beat in beats])
    )


def _st_level(lead: Signal, beats: list[Beat], frequency: float) -> float:
    raised = [lead[_sample(beat.qrs_end + _ST_SECONDS, frequency)] for beat in beats]
    rest = [lead[_sample(beat.qrs_onset - _REST_SECONDS, frequency)] for beat in beats]
    return float(np.median(np.subtract(raised, rest)))


def _sample(seconds: float, frequency: float) -> int:
    return round(seconds * frequency)
