"""Measure the app on simulated recordings whose truth is known: ``python -m apps.ecg_intervals.evaluate``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path

from apps.ecg_intervals.training.bland_altman import draw_bland_altman
from apps.ecg_intervals.training.cases import FEW_LEADS, NOISES, RATES, Case, cases_over_rates
from apps.ecg_intervals.training.combinations import lead_table, pair_table, totals
from apps.ecg_intervals.training.scores import Score, score_all
from apps.ecg_intervals.training.tables import finding_table, flag_table, interval_table, rate_table
from phantoms.ecg import FINDINGS, admissible_pairs

PLOT = Path(__file__).parent / "bland_altman.png"
FIRST_SEED = 500_000


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables of the model card, and draw its Bland–Altman plot."""
    options = _parser().parse_args(argv)
    seeds = range(options.first_seed, options.first_seed + options.recordings)
    kinds = [(), *((finding,) for finding in FINDINGS)]

    def scored(cases: Iterable[Case]) -> list[Score]:
        return score_all(list(cases), options.workers)

    single = scored(Case(*each) for each in product(kinds, NOISES, seeds))
    by_rate = scored(Case((), *each) for each in product(NOISES, seeds, (500,), RATES))
    pairs = scored(cases_over_rates((*kinds, *admissible_pairs()), seeds))
    sets = list(FEW_LEADS.values())
    few = {
        "healthy, any noise": scored(Case((), *each, leads=leads) for leads in sets for each in product(NOISES, seeds)),
        "one finding, resting": scored(
            Case(kind, "resting", seed, leads=leads) for leads, kind, seed in product(sets, kinds[1:], seeds)
        ),
    }
    names = {leads: name for name, leads in FEW_LEADS.items()}
    for table in (
        interval_table(single),
        finding_table(single),
        flag_table(single),
        rate_table(by_rate),
        (*totals(pairs), "", *pair_table(pairs)),
        *((title, "", *lead_table(each, names)) for title, each in few.items()),
    ):
        print(*table, "", sep="\n")
    for each in (*single, *by_rate):
        if each.refused:
            print("refused:", each.case, each.refused)
    if options.plot is not None:
        draw_bland_altman(single, options.plot)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evaluate ecg_intervals", description=__doc__)
    parser.add_argument("--recordings", type=int, default=20, help="recordings of each kind at each noise")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED, help="that of the first recording of each kind")
    parser.add_argument("--plot", type=Path, default=PLOT, help="where the Bland–Altman plot is written")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    return parser


if __name__ == "__main__":
    main()
