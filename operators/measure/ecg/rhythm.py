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
_PR_RANGE_SECONDS = (0.08, 0.42)
_PR_TOLERANCE_SECONDS = 0.025
_CONDUCTED_PART = 0.6
_PROLONGATION_SECONDS = 0.04
_DISSOCIATED_SECONDS = 0.06


class Rhythm(str, Enum):
    """The rhythm, as far as it can be told from P waves and cycles."""

    SINUS = "sinus rhythm"
    ATRIAL_FIBRILLATION = "atrial fibrillation"
    PACED = "ventricular pacing"
    SECOND_DEGREE_TYPE_1 = "second degree atrioventricular block, type I"
    SECOND_DEGREE_TYPE_2 = "second degree atrioventricular block, type II"
    COMPLETE_BLOCK = "complete atrioventricular block"
    UNDETERMINED = "undetermined rhythm"


@dataclass(frozen=True)
class RhythmFacts:
    """What the decision rests on: rates in beats a minute, cycles' coefficients of variation, parts of 1."""

    rhythm: Rhythm
    ventricular_variation: float
    atrial_rate: float | None
    atrial_variation: float | None
    conducted: float


def judge_rhythm(qrs_onsets: Seconds, normal: NDArray[np.bool_], p_onsets: Seconds, *, paced: bool) -> RhythmFacts:
    """Return the rhythm from the onsets of all QRS complexes and P waves (s); ``normal`` are those of usual shape."""
    cycles = np.diff(qrs_onsets)
    between_normal = cycles[normal[1:] & normal[:-1]] if len(cycles) else cycles
    variation = _variation(between_normal)
    atrial = np.diff(p_onsets)
    rate = 60 / float(np.median(atrial)) if len(atrial) >= 2 else None
    atrial_variation = _variation(atrial) if len(atrial) >= 2 else None
    delays = _delays(qrs_onsets[normal], p_onsets)
    usual = float(np.median(delays)) if len(delays) else 0.0
    conducted = (
        float(np.sum(np.abs(delays - usual) < _PR_TOLERANCE_SECONDS)) / max(1, int(normal.sum()))
        if len(delays)
        else 0.0
    )
    rhythm = _decide(qrs_onsets, normal, p_onsets, delays, variation, rate, atrial_variation, conducted, paced)
    return RhythmFacts(rhythm, variation, rate, atrial_variation, conducted)


def _decide(
    qrs_onsets: Seconds,
    normal: NDArray[np.bool_],
    p_onsets: Seconds,
    delays: Seconds,
    variation: float,
    rate: float | None,
    atrial_variation: float | None,
    conducted: float,
    paced: bool,
) -> Rhythm:
    if paced:
        return Rhythm.PACED
    atria_are_regular = rate is not None and rate < _FASTEST_ATRIA and (atrial_variation or 0) < 2 * _REGULAR
    if atria_are_regular and len(p_onsets) > 1.15 * len(qrs_onsets):
        if variation < _REGULAR and len(delays) and float(np.std(delays)) > _DISSOCIATED_SECONDS:
            return Rhythm.COMPLETE_BLOCK
        if (kind := _dropped(qrs_onsets, p_onsets)) is not None:
            return kind
    if conducted >= _CONDUCTED_PART and (rate is None or rate < _FASTEST_ATRIA):
        return Rhythm.SINUS
    if variation > _IRREGULAR:
        return Rhythm.ATRIAL_FIBRILLATION
    return Rhythm.UNDETERMINED


def _delays(qrs_onsets: Seconds, p_onsets: Seconds) -> Seconds:
    """From the last P wave within reach before each QRS to it."""
    found = []
    for onset in qrs_onsets:
        before = onset - p_onsets
        before = before[(before > _PR_RANGE_SECONDS[0]) & (before < _PR_RANGE_SECONDS[1])]
        if len(before):
            found.append(before.min())
    return np.array(found)


def _dropped(qrs_onsets: Seconds, p_onsets: Seconds) -> Rhythm | None:
    """Which kind of second degree block the P waves show that no QRS follows, or None if there is none."""
    changes = []
    for p_onset in p_onsets[1:-1]:
        after = qrs_onsets - p_onset
        if np.any((after > 0) & (after < _PR_RANGE_SECONDS[1])):
            continue
        before, next_beats = qrs_onsets[qrs_onsets < p_onset], qrs_onsets[qrs_onsets > p_onset]
        if len(before) and len(next_beats):
            last, first = _delays(before[-1:], p_onsets), _delays(next_beats[:1], p_onsets)
            if len(last) and len(first):
                changes.append(float(last[0] - first[0]))
    if not changes:
        return None
    prolonged = float(np.median(changes)) > _PROLONGATION_SECONDS
    return Rhythm.SECOND_DEGREE_TYPE_1 if prolonged else Rhythm.SECOND_DEGREE_TYPE_2


def _variation(cycles: Seconds) -> float:
    return float(np.std(cycles) / np.mean(cycles)) if len(cycles) >= 2 else 0.0
