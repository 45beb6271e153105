"""Fit what the recordings are like on which the app's errors are measured: ``python -m apps.ecg_intervals.train``.

Nothing else is trained: the app is of filters and rules.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.ecg_intervals.likeness import REFERENCE
from apps.ecg_intervals.training.cases import NOISES, Case, simulate_case
from operators.learn.program import simulate
from operators.learn.references import fit_accepting
from operators.measure.ecg.profile import signal_profile
from operators.read.waveforms.ecg_leads import STANDARD_LEADS, EcgLeads
from phantoms.ecg import FINDINGS

MODEL_FOLDER = Path(__file__).parent / "model"
FIRST_SEED = 300_000

_CASES = tuple(product(((), *((finding,) for finding in FINDINGS)), NOISES))
_LEAD_SETS = (STANDARD_LEADS, ("II", "V5"), STANDARD_LEADS, ("II",), STANDARD_LEADS)
"""The profile is one of any leads: a monitor's and a watch's are among those that it is fitted on."""


def main(argv: Sequence[str] | None = None) -> None:
    """Simulate recordings that the evaluation never uses, of the same kinds; write the reference of their profiles."""
    options = _parser().parse_args(argv)
    seeds = range(FIRST_SEED, FIRST_SEED + options.recordings * len(_CASES))
    profiles = np.array(simulate(profile_of, seeds, processes=options.processes))
    options.output.mkdir(parents=True, exist_ok=True)
    # Both halves of the fit hold every kind.
    shuffled = np.random.default_rng(0).permutation(profiles)
    fit_accepting("the simulated recordings that its errors were measured on", shuffled).save(
        options.output / REFERENCE
    )


def profile_of(seed: int) -> NDArray[np.float64]:
    """Simulate the recording of a seed, every kind in turn, and return its profile, (12,)."""
    findings, noise = _CASES[seed % len(_CASES)]
    case = Case(findings, noise, seed)
    leads = EcgLeads(STANDARD_LEADS, simulate_case(case).leads, float(case.sampling_frequency))
    return signal_profile(leads.chosen(_LEAD_SETS[seed // len(_CASES) % len(_LEAD_SETS)]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gantry train ecg_intervals", description=main.__doc__)
    parser.add_argument("--recordings", type=int, default=30, help="of each finding at each noise")
    parser.add_argument("--output", type=Path, default=MODEL_FOLDER, help="where the reference goes")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="that simulate")
    return parser


if __name__ == "__main__":
    main()
