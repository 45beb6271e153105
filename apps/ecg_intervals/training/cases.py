"""Simulated recordings on which the app is measured: findings alone and together, noises, rates, leads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from operators.read.waveforms.ecg_leads import STANDARD_LEADS, EcgLeads
from phantoms.ecg import (
    FIVE_ELECTRODES,
    NONE,
    RESTING,
    RESTLESS,
    Conduction,
    Heart,
    SimulatedECG,
    at_rate,
    random_heart,
    simulate_ecg,
)
from phantoms.ecg.heart import Rhythm
from phantoms.ecg.rhythm import Origin

NOISES = {"none": NONE, "resting": RESTING, "restless": RESTLESS}
RATES = (*range(26, 40, 4), *range(40, 221, 10))
"""Sinus rates (beats a minute) of the table of errors by rate."""

FEW_LEADS: dict[str, tuple[str, ...]] = {
    "II": ("II",),
    "I": ("I",),
    "V1": ("V1",),
    "II and V5": ("II", "V5"),
    "three electrodes": ("I", "II", "III"),
    "five electrodes": FIVE_ELECTRODES,
    "six limb leads": ("I", "II", "III", "aVR", "aVL", "aVF"),
}
"""What watches, Holter recorders and monitors record."""

_OWN_RATE = ("sinus_bradycardia", "sinus_tachycardia", "atrial_fibrillation", "ventricular_pacing")
"""Findings that say what the rate is."""
_SLOWEST, _FASTEST = 46.0, 118.0
_ESCAPE_RATES = (30.0, 65.0)
_LEAST_PR = 205.0
_TRIES = 100


@dataclass(frozen=True)
class Case:
    """One simulated recording: some of ``phantoms.ecg.FINDINGS``, none for a healthy heart; a noise of :data:`NOISES`.

    A ``rate`` (beats a minute) makes the heart beat at it, in its own rhythm. Only ``leads`` are measured.
    """

    findings: tuple[str, ...]
    noise: str
    seed: int
    sampling_frequency: int = 500
    rate: float | None = None
    leads: tuple[str, ...] = STANDARD_LEADS


def simulate_case(case: Case) -> SimulatedECG:
    """Simulate a case; its findings show in the recording, the rest of the heart is left to chance.

    Raises ValueError where no heart shows them.
    """
    random = np.random.default_rng([case.seed, 25])
    for _ in range(_TRIES):
        try:
            heart = random_heart(random, *case.findings)
            if case.rate is not None:
                heart = _beating_at(heart, case.rate)
            ecg = simulate_ecg(
                heart,
                seed=int(random.integers(2**31)),
                noise=NOISES[case.noise],
                sampling_frequency=case.sampling_frequency,
            )
        # Drawn numbers that no heart has together: another heart.
        except ValueError:
            continue
        if all(_shows(ecg, finding) for finding in case.findings):
            return ecg
    raise ValueError(f"no heart shows {' and '.join(case.findings)}")


def leads_of(ecg: SimulatedECG, names: tuple[str, ...]) -> EcgLeads:
    """Return what a recorder of some leads would have of a simulated heart."""
    return EcgLeads(names, np.stack([ecg.lead(name) for name in names]), float(ecg.sampling_frequency))


def cases_over_rates(kinds: Iterable[tuple[str, ...]], seeds: range, noise: str = "resting") -> Iterator[Case]:
    """Yield hearts with some findings at rates over the physiological range, unless a finding says what the rate is."""
    for findings in kinds:
        for seed, part in zip(seeds, np.linspace(0, 1, len(seeds)), strict=True):
            yield Case(findings, noise, seed, rate=_rate(findings, float(part)))


def _rate(findings: tuple[str, ...], part: float) -> float | None:
    if "av_block_complete" in findings:
        return _ESCAPE_RATES[0] + part * (_ESCAPE_RATES[1] - _ESCAPE_RATES[0])
    return None if set(findings) & set(_OWN_RATE) else _SLOWEST + part * (_FASTEST - _SLOWEST)


def _beating_at(heart: Heart, rate: float) -> Heart:
    """The heart at another rate; above 100 beats a minute PR is shorter."""
    pr = heart.pr if rate <= 100 else 0.8 * heart.pr
    return at_rate(heart, rate, pr=pr, p=min(heart.p, pr - 10))


def _shows(ecg: SimulatedECG, finding: str) -> bool:
    if finding == "premature_ventricular_beats":
        return any(beat.origin is Origin.VENTRICULAR for beat in ecg.beats)
    if finding == "av_block_first_degree":
        return ecg.heart.pr >= _LEAST_PR
    if finding == "av_block_second_degree":
        return ecg.heart.conduction in (Conduction.WENCKEBACH, Conduction.MOBITZ)
    return finding != "atrial_fibrillation" or ecg.heart.rhythm is Rhythm.ATRIAL_FIBRILLATION
