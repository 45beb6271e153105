"""What sets the pace, and how the atria and the ventricles go together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

Seconds = NDArray[np.float64]

_REGULAR = 0.10
"""Coefficient of variation of cycles up to which a rhythm is regular."""
_IRREGULAR = 0.12
_FASTEST_ATRIA = 240.0
_FASTEST_SINUS = 180.0
"""Atria above that flutter: that not each of their waves is conducted is no block."""
_SINUS_TO_BEATS, _NEARLY_ALL = 1.4, 0.9
_SOME_CYCLES, _SOME_P = 0.5, 0.6
_CYCLE_TOLERANCE = 0.15
_REGULAR_PART = 0.7
_OUTNUMBERED = 1.15
PR_RANGE_SECONDS = (0.08, 0.42)
"""How long after the onset of its P wave a QRS may begin."""
_AFTER_QRS_SECONDS = 0.15
_PR_TOLERANCE_SECONDS = 0.025
_CONDUCTED_PART = 0.6
_BY_CHANCE = 0.4
_PROLONGATION_SECONDS = 0.04
_DISSOCIATED_SECONDS = 0.06
_RECOVERED_SECONDS = 0.50
"""So long after the onset of a premature beat the way from the atria may be refractory."""
_ON_TIME = 0.15


class Rhythm(str, Enum):
    """The rhythm, as far as it can be told from P waves and cycles."""

    SINUS = "sinus rhythm"
    ATRIAL_FIBRILLATION = "atrial fibrillation"
    PACED = "ventricular pacing"
    SECOND_DEGREE_TYPE_1 = "second degree atrioventricular block, type I"
    SECOND_DEGREE_TYPE_2 = "second degree atrioventricular block, type II"
    COMPLETE_BLOCK = "complete atrioventricular block"
    UNDETERMINED = "undetermined rhythm"

    @property
    def conducts(self) -> bool:
        """Whether P waves may lead to QRS complexes."""
        return self not in (Rhythm.ATRIAL_FIBRILLATION, Rhythm.PACED, Rhythm.COMPLETE_BLOCK)

    @property
    def blocks(self) -> bool:
        """Whether no QRS complex follows some P waves."""
        return self in (Rhythm.SECOND_DEGREE_TYPE_1, Rhythm.SECOND_DEGREE_TYPE_2, Rhythm.COMPLETE_BLOCK)


@dataclass(frozen=True)
class RhythmFacts:
    """What the decision rests on.

    ``ventricular_variation`` is the coefficient of variation of the cycles between beats of the usual shape,
    ``atrial_rate`` in beats a minute, ``atrial_regularity`` the part of the time in which P waves come in one cycle or
    miss one, ``conducted`` the part of usual beats that follow a P wave after the usual delay.
    """

    rhythm: Rhythm
    ventricular_variation: float
    atrial_rate: float | None
    atrial_regularity: float
    conducted: float


def judge_rhythm(
    qrs_onsets: Seconds, normal: NDArray[np.bool_], p_onsets: Seconds, *, paced: bool, sees_all: bool = True
) -> RhythmFacts:
    """Return the rhythm from the onsets of all QRS complexes and P waves (s); ``normal`` are those of usual shape.

    Unless the leads see all (``sees_all``) a pause may hold a premature beat at a right angle to them: no second degree
    block is told.
    """
    cycles = np.diff(qrs_onsets)
    variation = _variation(cycles[normal[1:] & normal[:-1]] if len(cycles) else cycles)
    p_onsets = without_intruders(p_onsets)
    atrial = np.diff(p_onsets)
    rate = 60 / float(np.median(atrial)) if len(atrial) >= 2 else None
    regular = regular_part(atrial)
    delays = _delays(qrs_onsets, p_onsets, normal)
    usual = float(np.median(delays)) if len(delays) else 0.0
    conducted = (
        float(np.sum(np.abs(delays - usual) < _PR_TOLERANCE_SECONDS)) / max(1, int(normal.sum()))
        if len(delays)
        else 0.0
    )
    rhythm = _decide(qrs_onsets, normal, p_onsets, delays, variation, rate, regular, conducted, paced)
    if not sees_all and rhythm in (Rhythm.SECOND_DEGREE_TYPE_1, Rhythm.SECOND_DEGREE_TYPE_2):
        rhythm = Rhythm.UNDETERMINED
    return RhythmFacts(rhythm, variation, rate, regular, conducted)


def _decide(
    qrs_onsets: Seconds,
    normal: NDArray[np.bool_],
    p_onsets: Seconds,
    delays: Seconds,
    variation: float,
    rate: float | None,
    regular: float,
    conducted: float,
    paced: bool,
) -> Rhythm:
    if paced:
        return Rhythm.PACED
    slow_atria = rate is not None and rate < _FASTEST_ATRIA
    if rate is not None and rate < _FASTEST_SINUS and regular > _REGULAR_PART:
        together = len(delays) and float(np.std(delays)) <= _DISSOCIATED_SECONDS and conducted > _BY_CHANCE
        if variation < _REGULAR and not together and _outnumbers(rate, qrs_onsets):
            return Rhythm.COMPLETE_BLOCK
        if (kind := _dropped(qrs_onsets, normal, p_onsets)) is not None:
            return kind
    # Of more waves than beats some stand before many beats by chance, though not before all.
    one_to_one = rate is None or rate < _SINUS_TO_BEATS * _rate(qrs_onsets)
    if (rate is None or slow_atria) and conducted >= (_CONDUCTED_PART if one_to_one else _NEARLY_ALL):
        return Rhythm.SINUS
    # Fibrillating atria have no slow waves that come in a cycle, not even for half of the time.
    has_p = slow_atria and regular > _SOME_CYCLES and len(p_onsets) > _SOME_P * len(qrs_onsets)
    return Rhythm.ATRIAL_FIBRILLATION if variation > _IRREGULAR and not has_p else Rhythm.UNDETERMINED


def conducted_p(onset: float, before: float, p_onsets: Seconds) -> float | None:
    """Return the onset of the last P wave that may lead to a QRS at ``onset`` (s); ``before`` is the QRS before it."""
    delays = onset - p_onsets
    reached = (delays > PR_RANGE_SECONDS[0]) & (delays < PR_RANGE_SECONDS[1])
    # What lies so close behind the QRS before is its ST segment or T.
    found = p_onsets[reached & (p_onsets > before + _AFTER_QRS_SECONDS)]
    return float(found[-1]) if len(found) else None


def _delays(qrs_onsets: Seconds, p_onsets: Seconds, chosen: NDArray[np.bool_]) -> Seconds:
    """From the P wave that may lead to each chosen QRS to it."""
    before = np.concatenate([[-np.inf], qrs_onsets[:-1]])
    led = [
        (onset, conducted_p(onset, last, p_onsets))
        for onset, last in zip(qrs_onsets[chosen].tolist(), before[chosen].tolist(), strict=True)
    ]
    return np.array([onset - p_onset for onset, p_onset in led if p_onset is not None])


def _dropped(qrs_onsets: Seconds, normal: NDArray[np.bool_], p_onsets: Seconds) -> Rhythm | None:
    """Which kind of second degree block the P waves show that no QRS follows, or None if there is none.

    A block drops P waves of the sinus node's own cycle: one that comes early, or soon after a premature beat of the
    ventricles, is conducted by no heart.
    """
    changes = []
    cycles = np.diff(p_onsets)
    usual = float(np.median(cycles)) if len(cycles) else 0.0
    for place in range(1, len(p_onsets) - 1):
        p_onset = p_onsets[place]
        after = qrs_onsets - p_onset
        if np.any((after > np.where(normal, 0.0, -_RECOVERED_SECONDS)) & (after < PR_RANGE_SECONDS[1])):
            continue
        if abs(cycles[place - 1] - usual) > _ON_TIME * usual or abs(cycles[place] - usual) > _ON_TIME * usual:
            continue
        before, next_beats = qrs_onsets[qrs_onsets < p_onset], qrs_onsets[qrs_onsets > p_onset]
        if len(before) and len(next_beats):
            chosen = np.isin(qrs_onsets, before[-1:]), np.isin(qrs_onsets, next_beats[:1])
            last, first = (_delays(qrs_onsets, p_onsets, each) for each in chosen)
            if len(last) and len(first):
                changes.append(float(last[0] - first[0]))
    if not changes:
        return None
    prolonged = float(np.median(changes)) > _PROLONGATION_SECONDS
    return Rhythm.SECOND_DEGREE_TYPE_1 if prolonged else Rhythm.SECOND_DEGREE_TYPE_2


def without_intruders(p_onsets: Seconds) -> Seconds:
    """Return onsets without waves that stand between two others which are one usual cycle apart.

    No P wave comes there.
    """
    if len(p_onsets) < 4:
        return p_onsets
    usual = float(np.median(np.diff(p_onsets)))
    kept = list(p_onsets)
    place = 1
    while place < len(kept) - 1:
        between, either = kept[place + 1] - kept[place - 1], min(np.diff(kept[place - 1 : place + 2]))
        if abs(between - usual) < _CYCLE_TOLERANCE * usual and either < 0.75 * usual:
            del kept[place]
        else:
            place += 1
    return np.array(kept)


def regular_part(cycles: Seconds) -> float:
    """The part of the time in which P waves come after a usual cycle, or a few where QRS or T hides some."""
    if len(cycles) < 2:
        return 0.0
    multiples = cycles / np.median(cycles)
    fits = np.abs(multiples[:, None] - np.array([1, 2, 3])).min(axis=1) < _CYCLE_TOLERANCE
    return float(cycles[fits].sum() / cycles.sum())


def _outnumbers(rate: float, qrs_onsets: Seconds) -> bool:
    """Whether the atria beat more often than the ventricles, counting P waves that a QRS hides."""
    return rate > _OUTNUMBERED * _rate(qrs_onsets)


def _rate(onsets: Seconds) -> float:
    return (len(onsets) - 1) / float(onsets[-1] - onsets[0]) * 60


def _variation(cycles: Seconds) -> float:
    return float(np.std(cycles) / np.mean(cycles)) if len(cycles) >= 2 else 0.0
