"""When the atria and the ventricles of a heart are excited."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from phantoms.ecg.heart import BundleBranch, Conduction, Heart, Rhythm

_BREATH_HERTZ = 0.23
_WENCKEBACH_MS = (0.0, 70.0, 110.0)
"""What the beats of a group add to PR before one is dropped: by less each time, as in patients."""
_MOBITZ_CONDUCTED = 3
_ATRIAL_RATE_IN_BLOCK = 84.0
_PREMATURE_FRACTION = 0.62
_VENTRICULAR_QRS_MS = 150.0
_REFRACTORY_MS = 40.0


class Origin(str, Enum):
    """Where a ventricular beat begins."""

    CONDUCTED = "conducted"
    ATRIAL_PREMATURE = "premature atrial"
    VENTRICULAR = "ventricular"
    """Premature, or an escape rhythm below a complete block."""
    PACED = "paced"


@dataclass(frozen=True)
class Excitation:
    """One beat of the ventricles: onset of QRS in s, its duration and QT in ms; onset of the P wave that led to it."""

    qrs_onset: float
    qrs: float
    qt: float
    origin: Origin
    p_onset: float | None


@dataclass(frozen=True)
class Sequence:
    """Every beat of the ventricles and every P wave's onset (s), conducted or not."""

    excitations: tuple[Excitation, ...]
    p_onsets: tuple[float, ...]


def excite(heart: Heart, seconds: float, random: np.random.Generator) -> Sequence:
    """Return what happens from one cycle before the start until after the end of a recording."""
    if heart.rhythm is Rhythm.ATRIAL_FIBRILLATION:
        return _irregular(heart, seconds, random)
    if heart.rhythm is Rhythm.PACED:
        return _regular(heart, seconds, Origin.PACED, (), random)
    if heart.conduction is Conduction.COMPLETE_BLOCK:
        cycle = 60.0 / _ATRIAL_RATE_IN_BLOCK
        atria = tuple(np.arange(-cycle * random.random(), seconds + cycle, cycle))
        # A wide escape beat comes from the ventricles, unless its width is that of a blocked bundle below the node.
        wide = heart.qrs >= 120 and heart.bundle_branch is BundleBranch.NORMAL
        origin = Origin.VENTRICULAR if wide else Origin.CONDUCTED
        return _regular(heart, seconds, origin, atria, random)
    return _sinus(heart, seconds, random)


def _regular(
    heart: Heart, seconds: float, origin: Origin, p_onsets: tuple[float, ...], random: np.random.Generator
) -> Sequence:
    cycle = 60.0 / heart.rate
    early = max(_PREMATURE_FRACTION * cycle, (heart.qt + _REFRACTORY_MS) / 1000)
    beats, late = [], 0.0
    for onset in np.arange(-0.6 * cycle, seconds + cycle, cycle):
        beats.append(Excitation(float(onset) + late, heart.qrs, heart.qt, origin, None))
        if _is_premature(heart, random):
            beats.append(
                Excitation(float(onset) + late + early, _VENTRICULAR_QRS_MS, heart.qt, Origin.VENTRICULAR, None)
            )
            # What sets the pace counts its cycle from the premature beat.
            late += early
    return Sequence(tuple(beats), p_onsets)


def _irregular(heart: Heart, seconds: float, random: np.random.Generator) -> Sequence:
    """Independent cycles, as the atrioventricular node passes on the fibrillation."""
    mean, shortest = 60.0 / heart.rate, (heart.qt + _REFRACTORY_MS) / 1000
    if mean <= shortest:
        raise ValueError(f"at {heart.rate:g} beats a minute in atrial fibrillation QT has to be shorter")
    onsets, origins = [-0.6 * mean], [Origin.CONDUCTED]
    while onsets[-1] < seconds + mean:
        if _is_premature(heart, random):
            onsets.append(onsets[-1] + max(_PREMATURE_FRACTION * mean, shortest))
            origins.append(Origin.VENTRICULAR)
        onsets.append(onsets[-1] + shortest + random.gamma(2.5, (mean - shortest) / 2.5))
        origins.append(Origin.CONDUCTED)
    cycles = np.diff(onsets, prepend=onsets[0] - mean)
    return Sequence(
        tuple(
            Excitation(onset, _VENTRICULAR_QRS_MS if origin is Origin.VENTRICULAR else heart.qrs, qt, origin, None)
            for onset, origin, qt in zip(onsets, origins, _adapted(heart, cycles), strict=True)
        ),
        (),
    )


def _is_premature(heart: Heart, random: np.random.Generator) -> bool:
    """Whether a beat is followed by a premature one of the ventricles."""
    return heart.premature_ventricular > 0 and random.random() < heart.premature_ventricular


def _sinus(heart: Heart, seconds: float, random: np.random.Generator) -> Sequence:
    mean, pr = 60.0 / heart.rate, heart.pr / 1000
    p_onsets: list[float] = []
    beats: list[tuple[float, float | None, Origin]] = []
    onset, in_group = -0.6 * mean, 0
    while onset < seconds + mean:
        p_onsets.append(onset)
        delay = _delay(heart.conduction, in_group)
        in_group = 0 if delay is None else in_group + 1
        if delay is not None:
            beats.append((onset + pr + delay, onset, Origin.CONDUCTED))
        breath = np.sin(2 * np.pi * _BREATH_HERTZ * onset)
        cycle = mean * (1 + heart.variability * (breath + 0.4 * random.normal()))
        chance = random.random()
        early = max(_PREMATURE_FRACTION * cycle, (heart.qt + _REFRACTORY_MS) / 1000)
        if delay is None or early > 0.85 * cycle:
            pass
        elif chance < heart.premature_ventricular:
            beats.append((beats[-1][0] + early, None, Origin.VENTRICULAR))
            # The sinus beat that is due meets refractory ventricles: the pause is fully compensatory.
            p_onsets.append(onset + cycle)
            cycle *= 2
        elif chance < heart.premature_ventricular + heart.premature_atrial:
            onset += early
            p_onsets.append(onset)
            beats.append((onset + pr, onset, Origin.ATRIAL_PREMATURE))
        onset += cycle
    cycles = np.diff([beat[0] for beat in beats], prepend=beats[0][0] - mean)
    return Sequence(
        tuple(
            Excitation(start, _VENTRICULAR_QRS_MS if origin is Origin.VENTRICULAR else heart.qrs, qt, origin, p_onset)
            for (start, p_onset, origin), qt in zip(beats, _adapted(heart, cycles), strict=True)
        ),
        tuple(sorted(p_onsets)),
    )


def _delay(conduction: Conduction, in_group: int) -> float | None:
    """What is added to PR (s), or None where the beat is dropped."""
    if conduction is Conduction.WENCKEBACH:
        return _WENCKEBACH_MS[in_group] / 1000 if in_group < len(_WENCKEBACH_MS) else None
    if conduction is Conduction.MOBITZ:
        return 0.0 if in_group < _MOBITZ_CONDUCTED else None
    return 0.0


def _adapted(heart: Heart, cycles: np.ndarray) -> list[float]:
    """QT of each beat (ms): by Fridericia's cube root of a running mean of the cycle, as QT lags behind the rate."""
    mean, average, found = 60.0 / heart.rate, 60.0 / heart.rate, []
    for cycle in cycles:
        average += 0.15 * (cycle - average)
        found.append(heart.qt * float(np.cbrt(average / mean)))
    return found
