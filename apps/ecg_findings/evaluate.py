"""What the network tells of every two findings that go together, and at every rate: the tables of the model card.

``python -m apps.ecg_findings.evaluate``; with ``--weights FOLDER`` another model, on the same recordings.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from apps.ecg_findings.classify import Model, judge_leads, load_model, probabilities
from apps.ecg_findings.heart import heart_of
from apps.ecg_findings.rate import RATE_GATE
from apps.ecg_findings.train import MODEL_FOLDER
from apps.ecg_findings.training.samples import simulate_recording
from operators.learn.program import simulate
from phantoms.ecg import FINDINGS, admissible_pairs

FIRST_SEED = 4_000_000
"""Of no training and no other measurement."""

PAIRS = admissible_pairs()
RATES = (26, 30, 34, 38, 42, 46, 50, 55, 57, 59, 61, 63, 70, 80, 90, 97, 99, 101, 103, *range(110, 201, 10))
LIMITS = (25, 34, 40, 50, 60, 80, 100, 120, 135, 150, 170, 220)
"""Beats a minute between which recordings of any findings are counted together."""


@dataclass(frozen=True)
class Case:
    """One simulated patient, with findings and beats a minute that are left to chance where they are None."""

    seed: int
    findings: tuple[str, ...] | None = None
    rate: float | None = None


@dataclass(frozen=True)
class Judged:
    """One recording: its rate, the findings that it has, those that are told, and whether a gate refuses it.

    The gate on the rate does not count, as its limits follow from these figures.
    """

    rate: float
    has: frozenset[str]
    told: frozenset[str]
    refused: bool


def judge(case: Case, model: Model) -> Judged:
    """Simulate a case and ask the network, whatever the gates say."""
    # Several processes share the cores, not several threads.
    torch.set_num_threads(1)
    recording = simulate_recording(case.seed, case.findings, case.rate)
    leads = recording.leads
    told = (
        label.name
        for label, probability in zip(model.labels, probabilities(leads, model), strict=True)
        if probability >= label.threshold
    )
    verdicts = [each for each in judge_leads(leads, heart_of(leads), model) if each.name != RATE_GATE]
    return Judged(
        recording.rate, frozenset(recording.findings), frozenset(told), not all(verdict.passed for verdict in verdicts)
    )


def judge_all(cases: Sequence[Case], model: Model, processes: int = 1) -> list[Judged]:
    """Judge cases, several at a time."""
    return simulate(partial(_judge, cases=tuple(cases), model=model), range(len(cases)), processes=processes)


def pair_cases(recordings: int) -> list[Case]:
    """So many patients with no finding, with each, and with every two that go together."""
    kinds: list[tuple[str, ...]] = [(), *((finding,) for finding in FINDINGS), *PAIRS]
    return [Case(FIRST_SEED + 1000 * kind + n, kinds[kind]) for kind in range(len(kinds)) for n in range(recordings)]


def rate_cases(recordings: int) -> list[Case]:
    """Patients in sinus rhythm at every rate, without any finding but what the rate is called."""
    return [
        Case(FIRST_SEED + 200_000 + 1000 * place + n, _by_rate(rate), rate)
        for place, rate in enumerate(RATES)
        for n in range(recordings)
    ]


def _by_rate(rate: float) -> tuple[str, ...]:
    if rate < 60:
        return ("sinus_bradycardia",)
    return ("sinus_tachycardia",) if rate > 100 else ()


def sensitivity(judged: Sequence[Judged], finding: str) -> float:
    """The share of those that have a finding of which it is told."""
    return float(np.mean([finding in each.told for each in judged if finding in each.has]))


def matrix(judged: Sequence[Judged], cell: Callable[[Sequence[Judged], str], float]) -> str:
    """Return a table: of each finding (row) where it is alone and where another (column) is there, too; in per cent."""
    names = tuple(FINDINGS)
    lines = ["| finding | alone | " + " | ".join(str(number + 1) for number in range(len(names))) + " |"]
    lines.append("|---" * (len(names) + 2) + "|")
    for number, name in enumerate(names, start=1):
        kinds = [frozenset({name, other}) for other in (name, *names)]
        groups = [[each for each in judged if each.has == kind] for kind in kinds]
        # A finding beside itself is no pair.
        cells = [
            f"{100 * cell(group, name):.0f}" if group and (place == 0 or place != number) else "–"
            for place, group in enumerate(groups)
        ]
        lines.append(f"| {number} {_words(name)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def summary(title: str, groups: Mapping[str, Sequence[Judged]]) -> str:
    """Return a table: of each group of recordings how much is told, what is false, how many are refused."""
    columns = (title, "recordings", "findings told", "with a false one", "all right", "refused, the rate aside")
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for name, judged in groups.items():
        if not judged:
            continue
        had = sum(len(each.has) for each in judged)
        told = f"{100 * sum(len(each.told & each.has) for each in judged) / had:.1f} % of {had}" if had else "–"
        shares = (
            [bool(each.told - each.has) for each in judged],
            [each.told == each.has for each in judged],
            [each.refused for each in judged],
        )
        cells = [str(len(judged)), told, *(f"{100 * np.mean(share):.1f} %" for share in shares)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables of the model card."""
    options = _parser().parse_args(argv)
    model = load_model(options.weights, torch.device("cpu"))
    ask = partial(judge_all, model=model, processes=options.processes)

    judged = ask(pair_cases(options.recordings))
    counts = {"none": 0, "one": 1, "two": 2}
    print(summary("findings", {name: [each for each in judged if len(each.has) == n] for name, n in counts.items()}))
    print("\nTold, in %\n\n" + matrix(judged, sensitivity))
    print("\nWith a false finding, in %\n\n" + matrix(judged, _false))

    at_rates = ask(rate_cases(options.recordings))
    groups = {str(rate): at_rates[n * options.recordings :][: options.recordings] for n, rate in enumerate(RATES)}
    print("\n" + summary("sinus rhythm, beats a minute", groups))

    any_findings = ask([Case(FIRST_SEED + 400_000 + n) for n in range(options.population)])
    ranges = {
        f"{low} to {high}": [each for each in any_findings if low <= each.rate < high] for low, high in pairwise(LIMITS)
    }
    print("\n" + summary("any findings, beats a minute", {"all": any_findings, **ranges}))


def _judge(number: int, cases: tuple[Case, ...], model: Model) -> Judged:
    return judge(cases[number], model)


def _false(judged: Sequence[Judged], finding: str) -> float:
    return float(np.mean([bool(each.told - each.has) for each in judged]))


def _words(finding: str) -> str:
    return finding.replace("_", " ")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evaluate ecg_findings", description=main.__doc__)
    parser.add_argument("--weights", type=Path, default=MODEL_FOLDER, help="a model's folder")
    parser.add_argument("--recordings", type=int, default=20, help="of each kind and of each rate")
    parser.add_argument("--population", type=int, default=2000, help="recordings with any findings")
    parser.add_argument("--processes", type=int, default=1)
    return parser


if __name__ == "__main__":
    main()
