"""Hearts of many patients: random, with the findings that a cardiograph is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from phantoms.ecg.heart import BundleBranch, Conduction, Heart, Infarction, Rhythm
from phantoms.ecg.noise import Noise

Generator = np.random.Generator


def random_heart(random: Generator, *findings: str | None) -> Heart:
    """Return a heart with the named :data:`FINDINGS`; the rest of it varies as in healthy people.

    Findings that no heart has together are a :class:`ValueError`.
    """
    heart, named = _healthy(random), [finding for finding in findings if finding is not None]
    for number, finding in enumerate(named):
        for other in named[:number]:
            if not together(finding, other):
                raise ValueError(f"no heart has {other} and {finding} together")
        heart = FINDINGS[finding](heart, random)
    return heart


def together(finding: str, other: str) -> bool:
    """Whether a heart can have both of two different :data:`FINDINGS`."""
    return not any(finding in group and other in group for group in _EXCLUSIVE)


def admissible_pairs() -> tuple[tuple[str, str], ...]:
    """Return every two of the :data:`FINDINGS` that a heart can have together."""
    return tuple(pair for pair in combinations(FINDINGS, 2) if together(*pair))


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


def at_rate(heart: Heart, rate: float, **changes: Any) -> Heart:
    """Return the same heart at another rate, with QT following it by Fridericia's formula, and other changes."""
    return replace(heart, rate=rate, qt=_qt(rate, heart.qt / float(np.cbrt(60 / heart.rate))), **changes)


def _racing(heart: Heart, random: Generator) -> Heart:
    rate, pr = random.uniform(104, 135), random.uniform(120, 150)
    return at_rate(heart, rate, pr=heart.pr if heart.pr > 200 else pr)


def _fibrillating(heart: Heart, random: Generator) -> Heart:
    rate, corrected = random.uniform(65, 125), random.uniform(370, 420)
    own = heart.qt / _qt(heart.rate, 1.0)
    return replace(heart, rhythm=Rhythm.ATRIAL_FIBRILLATION, rate=rate, qt=_qt(rate, own if own >= 490 else corrected))


def _blocked_bundle(branch: BundleBranch) -> Callable[[Heart, Generator], Heart]:
    def change(heart: Heart, random: Generator) -> Heart:
        axis = random.uniform(-30, 30) if branch is BundleBranch.LEFT else heart.axis
        qrs = random.uniform(126, 165)
        return replace(heart, bundle_branch=branch, qrs=qrs, qt=heart.qt + 0.6 * (qrs - heart.qrs), axis=axis)

    return change


def _infarcted(where: Infarction) -> Callable[[Heart, Generator], Heart]:
    return lambda heart, random: replace(heart, infarction=where, st_elevation=random.uniform(0.2, 0.45))


def _completely_blocked(heart: Heart, random: Generator) -> Heart:
    rate, qrs = random.uniform(34, 46), random.uniform(95, 150)
    if heart.bundle_branch is not BundleBranch.NORMAL:
        qrs = heart.qrs
    return at_rate(heart, rate, conduction=Conduction.COMPLETE_BLOCK, qrs=qrs)


def _with_long_qt(heart: Heart, random: Generator) -> Heart:
    # A wide QRS makes QT longer, which alone is no long QT.
    widened = 0.6 * max(0.0, heart.qrs - 106)
    return replace(heart, qt=_qt(heart.rate, random.uniform(490, 560)) + widened)


def _calm(rate: float) -> float:
    """The rate of a heart with premature beats, which are easily seen up to 80 a minute; a tachycardia stays one."""
    return rate if rate > 100 else min(rate, 80)


FINDINGS: dict[str, Callable[[Heart, Generator], Heart]] = {
    "sinus_bradycardia": lambda heart, random: at_rate(heart, random.uniform(42, 56)),
    "sinus_tachycardia": _racing,
    "atrial_fibrillation": _fibrillating,
    "av_block_first_degree": lambda heart, random: replace(heart, pr=random.uniform(215, 300)),
    "av_block_second_degree": lambda heart, random: replace(
        heart, conduction=Conduction.WENCKEBACH if random.random() < 0.5 else Conduction.MOBITZ
    ),
    "av_block_complete": _completely_blocked,
    "left_bundle_branch_block": _blocked_bundle(BundleBranch.LEFT),
    "right_bundle_branch_block": _blocked_bundle(BundleBranch.RIGHT),
    "premature_ventricular_beats": lambda heart, random: replace(
        heart, premature_ventricular=random.uniform(0.12, 0.3), rate=_calm(heart.rate)
    ),
    "premature_atrial_beats": lambda heart, random: replace(
        heart, premature_atrial=random.uniform(0.15, 0.3), rate=_calm(heart.rate)
    ),
    "long_qt": _with_long_qt,
    "low_voltage": lambda heart, random: replace(heart, voltage=random.uniform(0.18, 0.32)),
    "anterior_infarction": _infarcted(Infarction.ANTERIOR),
    "inferior_infarction": _infarcted(Infarction.INFERIOR),
    "ventricular_pacing": lambda heart, random: replace(
        at_rate(heart, random.uniform(60, 75)), rhythm=Rhythm.PACED, qrs=random.uniform(140, 175), qt=440.0
    ),
}
"""Each finding as a change of a healthy heart."""

_EXCLUSIVE: tuple[frozenset[str], ...] = tuple(
    frozenset(group.split())
    for group in (
        # One of these sets the rate.
        "sinus_bradycardia sinus_tachycardia atrial_fibrillation av_block_complete ventricular_pacing",
        # Without P waves that are conducted there is none to be late, dropped or early.
        "atrial_fibrillation av_block_complete ventricular_pacing av_block_first_degree",
        "atrial_fibrillation av_block_complete ventricular_pacing av_block_second_degree",
        "atrial_fibrillation av_block_complete ventricular_pacing premature_atrial_beats",
        # In this model an escape rhythm of the ventricles looks as premature beats do.
        "av_block_complete premature_ventricular_beats",
        "left_bundle_branch_block right_bundle_branch_block ventricular_pacing",
        # By how much a paced QRS lengthens QT is not agreed on.
        "ventricular_pacing long_qt",
        "anterior_infarction inferior_infarction",
    )
)
"""Of each group a heart has one finding at most."""
