"""Measure simulated recordings as the app does, and compare with their truth."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
from pydicom.sr.coding import Code

from apps.ecg_intervals.measured import Measured, measure_leads
from apps.ecg_intervals.training.cases import Case, leads_of, simulate_case
from apps.ecg_intervals.training.truth import FLAGS, expected_flags
from operators.measure.ecg.rhythm import Rhythm
from operators.refused import Refused
from phantoms.ecg import SimulatedECG

LIMITS = {"PR": (10.0, 10.0), "QRS": (10.0, 10.0), "QT": (25.0, 30.0)}
"""The largest mean difference and standard deviation (ms) that IEC 60601-2-25 allows on biological recordings."""

_SAME_BEAT_SECONDS = 0.15
"""Within which a beat is the true one (ANSI/AAMI EC57)."""


@dataclass(frozen=True)
class Score:
    """One recording: ``truth`` and ``found`` in ms by interval, where both exist; the flags raised.

    ``expected`` says of each flag whether it is to be raised, ``missed`` and ``false`` count beats among those that lie
    wholly in the recording, ``beats``; ``reasons`` are those why something was not told. ``refused`` is the reason
    where the recording was refused.
    """

    case: Case
    truth: dict[str, float]
    found: dict[str, float]
    flags: tuple[Code, ...] = ()
    refused: str | None = None
    expected: tuple[tuple[str, bool | None], ...] = ()
    beats: int = 0
    missed: int = 0
    false: int = 0
    rhythm: Rhythm | None = None
    reasons: tuple[str, ...] = ()


def score(case: Case) -> Score:
    """Simulate and measure one case as the app does."""
    ecg = simulate_case(case)
    truth = {name: value for name, value in (("PR", ecg.pr), ("QRS", ecg.qrs), ("QT", ecg.qt)) if value is not None}
    expected = tuple(expected_flags(ecg).items())
    try:
        measured = measure_leads(leads_of(ecg, case.leads))
    except Refused as refused:
        return Score(case, truth, {}, refused=str(refused), expected=expected, beats=len(ecg.beats))
    found = _intervals(measured)
    both = truth.keys() & found.keys()
    missed, false = _beats(ecg, measured)
    return Score(
        case,
        {name: truth[name] for name in both},
        {name: found[name] for name in both},
        tuple(flag.finding for flag in measured.flags),
        expected=expected,
        beats=len(ecg.beats),
        missed=missed,
        false=false,
        rhythm=measured.analysis.facts.rhythm,
        reasons=measured.analysis.unmeasured,
    )


def score_all(cases: Sequence[Case], workers: int) -> list[Score]:
    """Score cases, several at a time."""
    if workers == 1:
        return [score(case) for case in cases]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(score, cases, chunksize=8))


def errors(scores: Sequence[Score], interval: str) -> np.ndarray:
    """Measured minus true values of one interval, ms, (n,)."""
    return np.array([each.found[interval] - each.truth[interval] for each in scores if interval in each.found])


def sensitivity_and_specificity(scores: Sequence[Score], flag: str) -> tuple[float, float]:
    """How often a flag is raised where it should be, and not where it should not; where refused, none is raised."""
    findings, codes = FLAGS[flag]
    positive = [any(code in each.flags for code in codes) for each in scores if set(findings) & set(each.case.findings)]
    negative = [
        not any(code in each.flags for code in codes) for each in scores if not set(findings) & set(each.case.findings)
    ]
    return float(np.mean(positive)), float(np.mean(negative))


def _intervals(measured: Measured) -> dict[str, float]:
    ecg = measured.analysis
    named = (("PR", ecg.pr), ("QRS", ecg.qrs), ("QT", ecg.qt))
    return {name: value for name, value in named if value is not None}


def _beats(ecg: SimulatedECG, measured: Measured) -> tuple[int, int]:
    """How many beats were missed, and how many told that are none, between the first and the last whole one."""
    true = np.array([beat.r_peak for beat in ecg.beats])
    told = np.array([beat.peak for beat in measured.analysis.beats])
    same = np.abs(true[:, None] - told[None]) < _SAME_BEAT_SECONDS
    within = (told > true[0]) & (told < true[-1])
    return int((~same.any(axis=1)).sum()), int((within & ~same.any(axis=0)).sum())
