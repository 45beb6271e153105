"""Measure the app on simulated recordings whose truth is known: ``python -m apps.ecg_intervals.evaluate``."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain, product
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from pydicom.sr.coding import Code

from apps.ecg_intervals.measured import Measured, measure_leads
from operators.measure.ecg import rules
from operators.read.waveforms.ecg_leads import STANDARD_LEADS, EcgLeads
from operators.refused import Refused
from phantoms.ecg import FINDINGS, NONE, RESTING, RESTLESS, Heart, SimulatedECG, random_heart, simulate_ecg
from phantoms.ecg.rhythm import Origin

PLOT = Path(__file__).parent / "bland_altman.png"
FIRST_SEED = 500_000
RATES = (*range(26, 40, 4), *range(40, 221, 10))
"""Sinus rates (beats a minute) of the table of errors by rate."""
HEALTHY = "healthy"
NOISES = {"none": NONE, "resting": RESTING, "restless": RESTLESS}

LEAST_ST_ELEVATION = 0.25
"""The rule asks for 0.2 mV in V2 and V3 of men from 40 on: a smaller one is an infarction, but not raised enough."""

LIMITS = {"PR": (10.0, 10.0), "QRS": (10.0, 10.0), "QT": (25.0, 30.0)}
"""The largest mean difference and standard deviation (ms) that IEC 60601-2-25 allows on biological recordings."""

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


@dataclass(frozen=True)
class Case:
    """One simulated recording: a finding of :data:`FINDINGS` or a healthy heart, a noise of :data:`NOISES`.

    A ``rate`` (beats a minute) makes a healthy heart beat in sinus rhythm at it.
    """

    finding: str
    noise: str
    seed: int
    sampling_frequency: int = 500
    rate: float | None = None


@dataclass(frozen=True)
class Score:
    """One recording: ``truth`` and ``found`` in ms by interval, where both exist; the flags raised.

    ``refused`` is the reason where the recording was refused.
    """

    case: Case
    truth: dict[str, float]
    found: dict[str, float]
    flags: tuple[Code, ...] = ()
    refused: str | None = None


def simulate_case(case: Case) -> SimulatedECG:
    """Simulate a case; its finding shows in the recording, the rest of the heart is left to chance."""
    random = np.random.default_rng([case.seed, 25])
    for _ in range(100):
        try:
            heart = random_heart(random, None if case.finding == HEALTHY else case.finding)
            if case.rate is not None:
                heart = at_rate(heart, case.rate)
            ecg = simulate_ecg(
                heart,
                seed=int(random.integers(2**31)),
                noise=NOISES[case.noise],
                sampling_frequency=case.sampling_frequency,
            )
        # Drawn numbers that no heart has together: another heart.
        except ValueError:
            continue
        if case.finding != "premature_ventricular_beats" or any(
            each.origin is Origin.VENTRICULAR for each in ecg.beats
        ):
            return ecg
    raise ValueError(f"no heart shows {case.finding}")


def at_rate(heart: Heart, rate: float) -> Heart:
    """Return a heart at another rate: QTc (Fridericia) stays, above 100 beats a minute PR is shorter."""
    pr = heart.pr if rate <= 100 else 0.8 * heart.pr
    qt = heart.qt * float(np.cbrt(heart.rate / rate))
    return replace(heart, rate=rate, qt=qt, pr=pr, p=min(heart.p, pr - 10))


def _shows(ecg: SimulatedECG, finding: str) -> bool:
    if finding == "premature_ventricular_beats":
        return any(beat.origin is Origin.VENTRICULAR for beat in ecg.beats)
    if finding in FLAGS["ST elevation"][0]:
        return ecg.heart.st_elevation >= LEAST_ST_ELEVATION
    return True


def score(case: Case) -> Score:
    """Simulate and measure one case as the app does."""
    ecg = simulate_case(case)
    truth = {name: value for name, value in (("PR", ecg.pr), ("QRS", ecg.qrs), ("QT", ecg.qt)) if value is not None}
    try:
        measured = measure_leads(EcgLeads(STANDARD_LEADS, ecg.leads, float(case.sampling_frequency)))
    except Refused as refused:
        return Score(case, truth, {}, refused=str(refused))
    found = _intervals(measured)
    both = truth.keys() & found.keys()
    return Score(
        case,
        {name: truth[name] for name in both},
        {name: found[name] for name in both},
        tuple(flag.finding for flag in measured.flags),
    )


def errors(scores: Sequence[Score], interval: str) -> np.ndarray:
    """Measured minus true values of one interval, ms, (n,)."""
    return np.array([each.found[interval] - each.truth[interval] for each in scores if interval in each.found])


def sensitivity_and_specificity(scores: Sequence[Score], flag: str) -> tuple[float, float]:
    """How often a flag is raised where it should be, and not where it should not; where refused, none is raised."""
    findings, codes = FLAGS[flag]
    positive = [any(code in each.flags for code in codes) for each in scores if each.case.finding in findings]
    negative = [not any(code in each.flags for code in codes) for each in scores if each.case.finding not in findings]
    return float(np.mean(positive)), float(np.mean(negative))


def score_all(cases: Sequence[Case], workers: int) -> list[Score]:
    """Score cases, several at a time."""
    if workers == 1:
        return [score(case) for case in cases]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(score, cases, chunksize=8))


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables of the model card, and draw its Bland–Altman plot."""
    options = _parser().parse_args(argv)
    seeds = range(FIRST_SEED, FIRST_SEED + options.recordings)
    cases = [Case(*each) for each in product((HEALTHY, *FINDINGS), NOISES, seeds)]
    scores = score_all(cases, options.workers)
    by_rate = score_all([Case(HEALTHY, *each) for each in product(NOISES, seeds, (500,), RATES)], options.workers)
    tables = (_interval_table(scores), _finding_table(scores), _flag_table(scores), _rate_table(by_rate))
    for line in chain.from_iterable((*table, "") for table in tables):
        print(line)
    for each in (*scores, *by_rate):
        if each.refused:
            print("refused:", each.case, each.refused)
    if options.plot is not None:
        draw_bland_altman(scores, options.plot)


def draw_bland_altman(scores: Sequence[Score], path: Path) -> None:
    """Draw the differences over the means with their mean and 95 % limits of agreement (Bland & Altman 1986)."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    colours = {"none": "#2c7fb8", "resting": "#41ab5d", "restless": "#d95f0e"}
    figure, axes = pyplot.subplots(1, len(LIMITS), figsize=(10, 3.2), layout="constrained")
    for axis, interval in zip(axes, LIMITS, strict=True):
        for noise, colour in colours.items():
            chosen = [each for each in scores if each.case.noise == noise and interval in each.found]
            means = [(each.found[interval] + each.truth[interval]) / 2 for each in chosen]
            axis.scatter(means, errors(chosen, interval), s=2, alpha=0.5, color=colour, label=f"noise: {noise}")
        found = errors(scores, interval)
        mean, deviation = float(found.mean()), float(found.std())
        for level, style in ((mean, "-"), (mean - 1.96 * deviation, "--"), (mean + 1.96 * deviation, "--")):
            axis.axhline(level, color="black", linewidth=0.8, linestyle=style)
        axis.set(
            title=f"{interval}: {mean:+.1f} ± {deviation:.1f} ms",
            xlabel="mean of measured and true (ms)",
            ylabel="measured − true (ms)",
        )
    axes[0].legend(markerscale=4, fontsize=7)
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def _intervals(measured: Measured) -> dict[str, float]:
    ecg = measured.analysis
    named = (("PR", ecg.pr), ("QRS", ecg.qrs), ("QT", ecg.qt))
    return {name: value for name, value in named if value is not None}


def _interval_table(scores: Sequence[Score]) -> Iterator[str]:
    yield "| interval | " + " | ".join(f"noise: {noise}" for noise in NOISES) + " | allowed |"
    yield "|---|" + "---|" * (len(NOISES) + 1)
    for interval, (mean, deviation) in LIMITS.items():
        cells = [_cell([each for each in scores if each.case.noise == noise], interval) for noise in NOISES]
        yield f"| {interval} | {' | '.join(cells)} | ±{mean:g} ± {deviation:g} |"


def _finding_table(scores: Sequence[Score]) -> Iterator[str]:
    yield "| finding | " + " | ".join(LIMITS) + " |"
    yield "|---|" + "---|" * len(LIMITS)
    for finding in (HEALTHY, *FINDINGS):
        chosen = [each for each in scores if each.case.finding == finding]
        yield f"| {finding.replace('_', ' ')} | {' | '.join(_cell(chosen, interval) for interval in LIMITS)} |"


def _rate_table(scores: Sequence[Score]) -> Iterator[str]:
    yield "| beats a minute | " + " | ".join(LIMITS) + " | flags |"
    yield "|---|" + "---|" * (len(LIMITS) + 1)
    for rate in RATES:
        chosen = [each for each in scores if each.case.rate == rate]
        cells = " | ".join(_cell(chosen, interval) for interval in LIMITS)
        counts = Counter(code.meaning for each in chosen for code in each.flags)
        flags = ", ".join(f"{meaning} {count}" for meaning, count in counts.most_common())
        yield f"| {rate} | {cells} | {flags or '–'} |"


def _cell(scores: Sequence[Score], interval: str) -> str:
    found = errors(scores, interval)
    if not found.size:
        return "–"
    return f"{found.mean():+.1f} ± {found.std():.1f} (at most {np.abs(found).max():.0f}, n = {found.size})"


def _flag_table(scores: Sequence[Score]) -> Iterator[str]:
    yield "| flag | " + " | ".join(f"noise: {noise}" for noise in NOISES) + " |"
    yield "|---|" + "---|" * len(NOISES)
    for flag in FLAGS:
        pairs = [
            sensitivity_and_specificity([each for each in scores if each.case.noise == noise], flag) for noise in NOISES
        ]
        yield f"| {flag} | {' | '.join(f'{100 * a:.0f} / {100 * b:.1f}' for a, b in pairs)} |"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evaluate ecg_intervals", description=__doc__)
    parser.add_argument("--recordings", type=int, default=20, help="recordings of each finding at each noise")
    parser.add_argument("--plot", type=Path, default=PLOT, help="where the Bland–Altman plot is written")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    return parser


if __name__ == "__main__":
    main()
