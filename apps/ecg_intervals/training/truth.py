"""Which flags a simulated recording is to raise, whatever findings its heart was made with."""

from __future__ import annotations

import numpy as np
from pydicom.sr.coding import Code

from operators.measure.ecg import rules
from operators.measure.ecg.intervals import corrected_qt
from phantoms.ecg import BundleBranch, Conduction, Infarction, SimulatedECG
from phantoms.ecg.electrodes import LEADS
from phantoms.ecg.heart import Rhythm
from phantoms.ecg.rhythm import Origin

FLAGS: dict[str, tuple[tuple[str, ...], tuple[Code, ...]]] = {
    "sinus bradycardia": (("sinus_bradycardia",), (rules.SINUS_BRADYCARDIA,)),
    "sinus tachycardia": (("sinus_tachycardia",), (rules.SINUS_TACHYCARDIA,)),
    "atrial fibrillation": (("atrial_fibrillation",), (rules.ATRIAL_FIBRILLATION,)),
    "first degree AV block": (("av_block_first_degree",), (rules.FIRST_DEGREE,)),
    "second degree AV block": (("av_block_second_degree",), (rules.MOBITZ_1, rules.MOBITZ_2)),
    "complete AV block": (("av_block_complete",), (rules.COMPLETE_BLOCK,)),
    "left bundle branch block": (("left_bundle_branch_block",), (rules.LEFT_BUNDLE,)),
    "right bundle branch block": (("right_bundle_branch_block",), (rules.RIGHT_BUNDLE,)),
    "premature ventricular beats": (("premature_ventricular_beats",), (rules.PREMATURE_VENTRICULAR,)),
    "long QT": (("long_qt",), (rules.LONG_QT,)),
    "low voltage": (("low_voltage",), (rules.LOW_VOLTAGE,)),
    "ST elevation": (("anterior_infarction", "inferior_infarction"), (rules.ST_ELEVATION,)),
    "ventricular pacing": (("ventricular_pacing",), (rules.PACED,)),
}
"""The findings of a simulated heart that each flag is to be raised for, and the flag's codes."""

OTHER_FLAGS: dict[str, tuple[Code, ...]] = {
    "swapped leads": (rules.REVERSED_ARMS, rules.REVERSED_RIGHT_LEADS),
    "unspecific wide QRS": (rules.WIDE_QRS,),
    "short QT": (rules.SHORT_QT,),
    "ST depression": (rules.ST_DEPRESSION,),
}
"""Flags that no finding asks for: false wherever :func:`expected_flags` says so."""

LEAST_ST_ELEVATION = 0.25
"""The rule asks for 0.2 mV in V2 and V3 of men from 40 on: a smaller one is an infarction, but not raised enough."""
_LIMB, _CHEST = ("I", "II", "III"), ("V1", "V2", "V3", "V4", "V5", "V6")


def expected_flags(ecg: SimulatedECG) -> dict[str, bool | None]:
    """Return for each flag whether it is to be raised; None where the truth is so near to a limit that either is right.

    Near is 2 beats a minute, 5 ms of PR, QRS and QTc and a tenth of a voltage.
    """
    heart = ecg.heart
    sinus = heart.rhythm is Rhythm.SINUS
    conducts = sinus and heart.conduction is not Conduction.COMPLETE_BLOCK
    each_p_conducts = sinus and heart.conduction is Conduction.NORMAL
    drops = sinus and heart.conduction in (Conduction.WENCKEBACH, Conduction.MOBITZ)
    supraventricular = conducts or heart.rhythm is Rhythm.ATRIAL_FIBRILLATION
    wide = _over(ecg.qrs, 120, 5)
    infarcted = heart.infarction is not Infarction.NONE
    ventricular = any(beat.origin is Origin.VENTRICULAR for beat in ecg.beats)
    qtc = corrected_qt(ecg.qt, 60 / ecg.rate)["Fridericia"]
    return {
        "sinus bradycardia": _all(each_p_conducts, _over(-ecg.rate, -60, 2)),
        "sinus tachycardia": _all(each_p_conducts, _over(ecg.rate, 100, 2)),
        "atrial fibrillation": heart.rhythm is Rhythm.ATRIAL_FIBRILLATION,
        "first degree AV block": _all(each_p_conducts or (None if drops else False), _over(ecg.pr or 0.0, 200, 5)),
        "second degree AV block": drops,
        "complete AV block": sinus and heart.conduction is Conduction.COMPLETE_BLOCK,
        "left bundle branch block": supraventricular and heart.bundle_branch is BundleBranch.LEFT,
        "right bundle branch block": supraventricular and heart.bundle_branch is BundleBranch.RIGHT,
        # One that the start or the end of the recording cuts may be seen, or not.
        "premature ventricular beats": conducts and (ventricular or (None if heart.premature_ventricular else False)),
        "long QT": _all(_not(wide), _over(qtc, 460, 5)),
        # Of a paced beat the spike is no part of QRS, which begins with it.
        "low voltage": None if heart.rhythm is Rhythm.PACED else _low_voltage(ecg),
        "ST elevation": _all(infarcted, _not(wide), True if heart.st_elevation >= LEAST_ST_ELEVATION else None),
        "ventricular pacing": heart.rhythm is Rhythm.PACED,
        "swapped leads": False,
        "unspecific wide QRS": _all(wide, None if not supraventricular else heart.bundle_branch is BundleBranch.NORMAL),
        "short QT": _all(_not(wide), _over(-qtc, -340, 5)),
        # Opposite to an infarction ST is lowered, and by how much is not asked.
        "ST depression": None if infarcted else False,
    }


def _over(value: float, limit: float, near: float) -> bool | None:
    return None if abs(value - limit) < near else value > limit


def _not(known: bool | None) -> bool | None:
    return None if known is None else not known


def _all(*known: bool | None) -> bool | None:
    if False in known:
        return False
    return None if None in known else True


def _low_voltage(ecg: SimulatedECG) -> bool | None:
    """Of the beats of the usual kind without noise: below 0.5 mV in the limb leads and below 1.0 mV in the chest's."""
    kinds = [beat.origin for beat in ecg.beats]
    usual = max(set(kinds), key=kinds.count)

    def largest(names: tuple[str, ...]) -> float:
        rows = ecg.clean[[LEADS.index(name) for name in names]]
        spans = [
            slice(*(round(time * ecg.sampling_frequency) for time in (beat.qrs_onset, beat.qrs_end)))
            for beat in ecg.beats
            if beat.origin is usual
        ]
        return float(np.median([np.ptp(rows[:, span], axis=1).max() for span in spans]))

    return _all(_over(-largest(_LIMB), -0.5, 0.05), _over(-largest(_CHEST), -1.0, 0.1))
