"""Hearts of many patients: random, with the findings that a cardiograph is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from phantoms.ecg.heart import BundleBranch, Conduction, Heart, Infarction, Rhythm
from phantoms.ecg.noise import Noise

Generator = np.random.Generator


def random_heart(random: Generator, *findings: str | None) -> Heart:
    """Return a heart with the named :data:`FINDINGS`; the rest of it varies as in healthy people.

    Findings that no heart has together are a :class:`ValueError`.
    """
    heart = _healthy(random)
    for finding in findings:
        if finding is not None:
            heart = FINDINGS[finding](heart, random)
    return heart


def random_findings(random: Generator) -> tuple[str, ...]:
    """Return findings of a patient of a cardiology ward: none, or at most one of each group that go together."""
    found: list[str] = []
    for group, chance in _GROUPS:
        if random.random() < chance:
            found.append(str(random.choice(group)))
    if "ventricular_pacing" in found or "av_block_complete" in found:
        return (found[0],)
    if "atrial_fibrillation" in found and "av_block_first_degree" in found:
        found.remove("av_block_first_degree")
    return tuple(found)


def random_noise(random: Generator) -> Noise:
    """Noise between that of a quiet and that of a restless patient."""
    return Noise(
        wander=random.uniform(0.0, 0.2),
        mains=random.uniform(0.0, 0.015),
        muscle=random.uniform(0.0, 0.03),
        amplifier=random.uniform(0.001, 0.006),
        mains_frequency=50.0 if random.random() < 0.7 else 60.0,
    )


def _healthy(random: Generator) -> Heart:
    rate = float(np.clip(random.normal(72, 9), 61, 98))
    return Heart(
        rate=rate,
        variability=random.uniform(0.01, 0.06),
        pr=random.uniform(130, 190),
        p=random.uniform(80, 112),
        qrs=random.uniform(78, 106),
        qt=_qt(rate, random.uniform(375, 435)),
        axis=random.uniform(0, 80),
        voltage=random.uniform(0.8, 1.4),
    )


def _qt(rate: float, corrected: float) -> float:
    """QT of a rate whose value corrected by Fridericia's formula is given (ms)."""
    return corrected * float(np.cbrt(60 / rate))


def _at_rate(heart: Heart, rate: float, **changes: Any) -> Heart:
    """The same heart at another rate, with QT following it."""
    return replace(heart, rate=rate, qt=_qt(rate, heart.qt / float(np.cbrt(60 / heart.rate))), **changes)


def _fibrillating(heart: Heart, random: Generator) -> Heart:
    rate = random.uniform(65, 125)
    return replace(heart, rhythm=Rhythm.ATRIAL_FIBRILLATION, rate=rate, qt=_qt(rate, random.uniform(370, 420)))


def _blocked_bundle(branch: BundleBranch) -> Callable[[Heart, Generator], Heart]:
    def change(heart: Heart, random: Generator) -> Heart:
        axis = random.uniform(-30, 30) if branch is BundleBranch.LEFT else heart.axis
        qrs = random.uniform(126, 165)
        return replace(heart, bundle_branch=branch, qrs=qrs, qt=heart.qt + 0.6 * (qrs - heart.qrs), axis=axis)

    return change


def _infarcted(where: Infarction) -> Callable[[Heart, Generator], Heart]:
    return lambda heart, random: replace(heart, infarction=where, st_elevation=random.uniform(0.2, 0.45))


FINDINGS: dict[str, Callable[[Heart, Generator], Heart]] = {
    "sinus_bradycardia": lambda heart, random: _at_rate(heart, random.uniform(42, 56)),
    "sinus_tachycardia": lambda heart, random: _at_rate(heart, random.uniform(104, 135), pr=random.uniform(120, 150)),
    "atrial_fibrillation": _fibrillating,
    "av_block_first_degree": lambda heart, random: replace(heart, pr=random.uniform(215, 300)),
    "av_block_second_degree": lambda heart, random: replace(
        heart, conduction=Conduction.WENCKEBACH if random.random() < 0.5 else Conduction.MOBITZ
    ),
    "av_block_complete": lambda heart, random: _at_rate(
        heart, random.uniform(34, 46), conduction=Conduction.COMPLETE_BLOCK, qrs=random.uniform(95, 150)
    ),
    "left_bundle_branch_block": _blocked_bundle(BundleBranch.LEFT),
    "right_bundle_branch_block": _blocked_bundle(BundleBranch.RIGHT),
    "premature_ventricular_beats": lambda heart, random: replace(
        heart, premature_ventricular=random.uniform(0.12, 0.3), rate=min(heart.rate, 80)
    ),
    "premature_atrial_beats": lambda heart, random: replace(
        heart, premature_atrial=random.uniform(0.15, 0.3), rate=min(heart.rate, 80)
    ),
    "long_qt": lambda heart, random: replace(heart, qt=_qt(heart.rate, random.uniform(490, 560))),
    "low_voltage": lambda heart, random: replace(heart, voltage=random.uniform(0.18, 0.32)),
    "anterior_infarction": _infarcted(Infarction.ANTERIOR),
    "inferior_infarction": _infarcted(Infarction.INFERIOR),
    "ventricular_pacing": lambda heart, random: replace(
        _at_rate(heart, random.uniform(60, 75)), rhythm=Rhythm.PACED, qrs=random.uniform(140, 175), qt=440.0
    ),
}
"""Each finding as a change of a healthy heart."""

_GROUPS: tuple[tuple[tuple[str, ...], float], ...] = (
    (
        (
            "ventricular_pacing",
            "av_block_complete",
            "atrial_fibrillation",
            "av_block_second_degree",
            "sinus_bradycardia",
            "sinus_tachycardia",
            "premature_ventricular_beats",
            "premature_atrial_beats",
        ),
        0.6,
    ),
    (("av_block_first_degree", "left_bundle_branch_block", "right_bundle_branch_block"), 0.35),
    (("anterior_infarction", "inferior_infarction", "low_voltage", "long_qt"), 0.4),
)
"""Findings of which a heart has at most one, in the order in which they change it, and how often it has one."""
