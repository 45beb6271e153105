"""A wide population of patients: every combination of findings that a heart can have, at any rate."""

from __future__ import annotations

import numpy as np

from phantoms.ecg.heart import Conduction, Heart, Rhythm
from phantoms.ecg.patients import FINDINGS, at_rate, random_heart, together

Generator = np.random.Generator

_TRIALS = 1000

_HOW_MANY = (0.15, 0.3, 0.3, 0.18, 0.07)
"""How often a patient has none, one, two, ... findings."""

_OF_RATE = ("sinus_bradycardia", "sinus_tachycardia")
"""A sinus rhythm below 60 and above 100 beats a minute."""

_RATES = {Rhythm.SINUS: (60.0, 100.0), Rhythm.ATRIAL_FIBRILLATION: (40.0, 170.0), Rhythm.PACED: (50.0, 110.0)}
"""Beats a minute where no finding tells the rate."""


def random_findings(random: Generator) -> tuple[str, ...]:
    """Return none to four findings that go together, each of them as likely as any other, in the order of the list."""
    found: list[str] = []
    for _ in range(random.choice(len(_HOW_MANY), p=_HOW_MANY)):
        possible = [each for each in FINDINGS if each not in found and all(together(each, other) for other in found)]
        if possible:
            found.append(str(random.choice(possible)))
    return tuple(sorted(found, key=list(FINDINGS).index))


def random_patient(
    random: Generator, findings: tuple[str, ...] | None = None, rate: float | None = None
) -> tuple[Heart, tuple[str, ...]]:
    """Return a heart of a wide population and its findings, those named or :func:`random_findings`.

    Other than those of :func:`random_heart` it has any rate and any PR interval that its findings, by their definition,
    allow: a sinus rate below 60 is a bradycardia, one above 100 a tachycardia, a PR above 200 ms a first degree block.
    With ``rate`` (beats a minute) it beats at that. Raises :class:`ValueError` where no heart is like that.
    """
    for _ in range(_TRIALS):
        chosen = random_findings(random) if findings is None else findings
        try:
            return _anywhere(random_heart(random, *chosen), chosen, random, rate), chosen
        # Another heart, where the cycle is too short for its waves.
        except ValueError:
            continue
    raise ValueError(f"no heart has {', '.join(findings or ()) or 'its findings'} at a rate of {rate or 'any'}")


def _anywhere(heart: Heart, findings: tuple[str, ...], random: Generator, rate: float | None) -> Heart:
    """The same findings at any rate and PR that fit them. Raises :class:`ValueError` where the waves have no room."""
    pr = random.uniform(200, 320) if "av_block_first_degree" in findings else random.uniform(120, 200)
    chosen = _any_rate(heart, findings, random) if rate is None else rate
    if "sinus_tachycardia" in findings and pr <= 200:
        pr = random.uniform(110, 160)
    heart = at_rate(heart, chosen, pr=pr, p=min(heart.p, pr - 10))
    if _needed(heart) > 60_000 / chosen:
        raise ValueError(f"at {chosen:.0f} beats a minute the waves of this heart have no room")
    if _by_rate(heart) != [each for each in findings if each in _OF_RATE]:
        raise ValueError(f"{chosen:g} beats a minute is not the rate of such a heart")
    return heart


def _by_rate(heart: Heart) -> list[str]:
    """What the rate of a heart is called."""
    if heart.rhythm is not Rhythm.SINUS or heart.conduction is Conduction.COMPLETE_BLOCK or 60 <= heart.rate <= 100:
        return []
    return [_OF_RATE[heart.rate > 100]]


def _any_rate(heart: Heart, findings: tuple[str, ...], random: Generator) -> float:
    if "sinus_bradycardia" in findings:
        # Of a block that drops every fourth beat ten seconds have to show one.
        slowest = 40 if "av_block_second_degree" in findings else 25
        return 60 - (60 - slowest) * random.random() ** 2
    if "sinus_tachycardia" in findings:
        return 100 + 120 * random.random() ** 2
    if "av_block_complete" in findings:
        return random.uniform(25, 60)
    return random.uniform(*_RATES[heart.rhythm])


def _needed(heart: Heart) -> float:
    """How long a cycle has to be at least (ms)."""
    if heart.rhythm is Rhythm.ATRIAL_FIBRILLATION:
        # Near its shortest cycle it would be as regular as a sinus rhythm.
        return 1.15 * (heart.qt + 40)
    if heart.rhythm is Rhythm.PACED or heart.conduction is Conduction.COMPLETE_BLOCK:
        return heart.qt + 20
    longest = heart.pr + 110 * (heart.conduction is Conduction.WENCKEBACH)
    return max(heart.qt + 20, longest + heart.qrs + 60)
