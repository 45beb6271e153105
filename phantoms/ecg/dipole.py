"""The heart's electric dipole (mV) in the Frank axes: x to the left, y to the feet, z to the back.

Each wave is a sum of half sines along fixed directions, so that it begins and ends at a known moment: McSharry's
Gaussians (IEEE Trans Biomed Eng 2003;50:289) never end. Directions give the patterns that define each finding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phantoms.ecg.electrodes import axis_direction
from phantoms.ecg.heart import BundleBranch, Heart, Infarction
from phantoms.ecg.rhythm import Excitation, Origin

Signal = NDArray[np.float64]
Vector = tuple[float, float, float]

_T_PEAK = 0.6
"""Where between its onset and its end the T wave peaks: it rises more slowly than it falls."""

_T_FRACTION = 0.68
"""Which part of the time from the end of QRS to the end of T the T wave takes; before it lies the ST segment."""


@dataclass(frozen=True)
class _Part:
    """A half sine from ``begin`` to ``end``, fractions of the wave's duration, of ``height`` mV along a direction."""

    begin: float
    end: float
    height: float
    direction: Vector


_P = (_Part(0.0, 0.62, 0.11, (0.30, 0.85, -0.35)), _Part(0.34, 1.0, 0.10, (0.80, 0.45, 0.35)))

_SEPTUM = _Part(0.0, 0.38, 0.25, (-0.5, -0.2, -0.85))
_BASE = _Part(0.62, 1.0, 0.30, (-0.15, -0.5, 0.8))
_RIGHT_LATE = _Part(0.5, 1.0, 0.75, (-0.80, -0.1, -0.60))
_NO_ANTERIOR_FORCES = _Part(0.0, 0.5, 0.6, (0.15, 0.0, 0.9))
_NO_INFERIOR_FORCES = _Part(0.0, 0.42, 0.40, (0.3, -0.9, 0.0))

_VENTRICULAR = (_Part(0.0, 0.6, 1.5, (0.35, 0.9, 0.45)), _Part(0.3, 1.0, 1.1, (0.6, 0.55, 0.65)))
_PACED = (_Part(0.0, 0.6, 1.0, (0.55, -0.75, 0.5)), _Part(0.3, 1.0, 1.0, (0.6, -0.6, 0.6)))

_INJURY: dict[Infarction, Vector] = {
    Infarction.ANTERIOR: (0.2, 0.0, -0.72),
    Infarction.INFERIOR: (-0.23, 0.83, 0.0),
}
"""Along these the ST segment is raised by 1 mV in V2 (anterior) and aVF (inferior) for a dipole of 1 mV."""


def p_wave(times: Signal, onset: float, duration: float) -> Signal:
    """The dipole of one P wave, (3, n); ``onset`` in s, ``duration`` in ms."""
    return _wave(times, onset, duration, _P, 1.0)


def ventricular_waves(times: Signal, heart: Heart, beat: Excitation) -> Signal:
    """The dipole of QRS, ST segment and T wave of one beat, (3, n)."""
    parts = tuple(_ventricular_parts(heart, beat.origin))
    found = _wave(times, beat.qrs_onset, beat.qrs, parts, heart.voltage)
    end_of_qrs, end_of_t = beat.qrs_onset + beat.qrs / 1000, beat.qrs_onset + beat.qt / 1000
    t_onset = end_of_t - _T_FRACTION * (end_of_t - end_of_qrs)
    found += heart.voltage * _t_lobe(times, t_onset, end_of_t) * _t_direction(heart, beat.origin)[:, None]
    if heart.infarction is not Infarction.NONE and beat.origin is not Origin.VENTRICULAR:
        level = heart.st_elevation * np.array(_INJURY[heart.infarction])
        found += _st_segment(times, beat, end_of_qrs, t_onset, end_of_t) * level[:, None]
    return found


def fibrillation(times: Signal, random: np.random.Generator) -> Signal:
    """The atria's irregular waves, 5 to 8 a second, (3, n)."""
    frequency = random.uniform(5, 8)
    drift = np.cumsum(random.normal(0, 0.02, size=len(times)))
    phase = 2 * np.pi * frequency * times + drift
    size = random.uniform(0.06, 0.11) * (1 + 0.3 * np.sin(2 * np.pi * 0.7 * times + random.uniform(0, 6)))
    wave = size * (np.sin(phase) + 0.35 * np.sin(2 * phase + 0.8))
    return wave[None] * np.array((-0.15, 0.45, -0.85))[:, None]


def pacing_spike(times: Signal, onset: float) -> Signal:
    """The pacemaker's pulse of 2 ms just before QRS, (3, n)."""
    spike = ((times >= onset - 0.004) & (times < onset - 0.002)).astype(float)
    return 2.5 * spike[None] * np.array((0.4, 0.8, -0.3))[:, None]


def _ventricular_parts(heart: Heart, origin: Origin) -> Iterator[_Part]:
    if origin is Origin.VENTRICULAR:
        yield from _VENTRICULAR
        return
    if origin is Origin.PACED:
        yield from _PACED
        return
    x, y = axis_direction(heart.axis)
    if heart.bundle_branch is BundleBranch.LEFT:
        # The septum is excited from the right: no q in V6, no r in V1, then slowly the free wall.
        yield _Part(0.0, 0.55, 0.85, (0.8 * x, 0.8 * y, 0.55))
        yield _Part(0.28, 1.0, 1.10, (0.8 * x, 0.8 * y, 0.60))
        return
    late = heart.bundle_branch is BundleBranch.RIGHT
    # A blocked right bundle leaves the left ventricle as fast as it was.
    scale = 0.62 if late else 1.0
    first = {Infarction.ANTERIOR: _NO_ANTERIOR_FORCES, Infarction.INFERIOR: _NO_INFERIOR_FORCES}.get(
        heart.infarction, _SEPTUM
    )
    yield _Part(first.begin, scale * first.end, first.height, first.direction)
    yield _Part(0.16 * scale, 0.78 * scale, 1.4, (0.85 * x, 0.85 * y, 0.42))
    yield _RIGHT_LATE if late else _BASE


def _t_direction(heart: Heart, origin: Origin) -> Signal:
    """Height and direction of the T wave: against a wide QRS, else nearly along it and to the front."""
    if origin in (Origin.VENTRICULAR, Origin.PACED):
        parts = _VENTRICULAR if origin is Origin.VENTRICULAR else _PACED
        return -0.45 * np.array(parts[1].direction)
    x, y = axis_direction(heart.axis)
    if heart.bundle_branch is BundleBranch.LEFT:
        return -0.42 * np.array((x, y, 0.6))
    # T follows the axis, though less far from the normal one.
    x, y = axis_direction(45 + 0.6 * (heart.axis - 45))
    return 0.36 * np.array((x, y, 0.15 if heart.bundle_branch is BundleBranch.RIGHT else -0.4))


def _wave(times: Signal, onset: float, duration: float, parts: tuple[_Part, ...], scale: float) -> Signal:
    place = (times - onset) / (duration / 1000)
    found = np.zeros((3, len(times)))
    for part in parts:
        lobe = _half_sine((place - part.begin) / (part.end - part.begin))
        found += scale * part.height * lobe * np.array(part.direction)[:, None]
    return found


def _half_sine(place: Signal) -> Signal:
    return np.where((place > 0) & (place < 1), np.sin(np.pi * np.clip(place, 0, 1)), 0.0)


def _t_lobe(times: Signal, onset: float, end: float) -> Signal:
    place = (times - onset) / (end - onset)
    return _half_sine(np.where(place < _T_PEAK, place / _T_PEAK / 2, 0.5 + (place - _T_PEAK) / (1 - _T_PEAK) / 2))


def _st_segment(times: Signal, beat: Excitation, end_of_qrs: float, t_onset: float, end_of_t: float) -> Signal:
    """1 along the ST segment: rising within the last third of QRS, falling to the end of T."""
    rise = beat.qrs / 3000
    up = np.clip((times - (end_of_qrs - rise)) / rise, 0, 1)
    down = np.clip((end_of_t - times) / (end_of_t - t_onset), 0, 1)
    return np.sin(np.pi / 2 * up) * np.sin(np.pi / 2 * down)
