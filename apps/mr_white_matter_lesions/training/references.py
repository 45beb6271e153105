"""Make what volumes are compared with: ``python -m apps.mr_white_matter_lesions.training.references``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from apps.mr_white_matter_lesions.likeness import ROLES, reference_file
from apps.mr_white_matter_lesions.model_file import MODEL_FOLDER
from apps.mr_white_matter_lesions.training.studies import held_out_seeds, simulated_study, training_seeds
from operators.check.domain_shift import Vector, array_profile, fit_reference


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit the reference of each role on simulated training studies, its limit on held-out ones; print the limits."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--studies", type=int, default=14)
    parser.add_argument("--held-out", type=int, default=5)
    parser.add_argument("--output", type=Path, default=MODEL_FOLDER)
    options = parser.parse_args(arguments)
    known = [_profiles(seed) for seed in training_seeds(options.studies)]
    unseen = [_profiles(seed) for seed in held_out_seeds(options.held_out)]
    for role in ROLES:
        reference = fit_reference(
            f"{options.studies} simulated {role.upper()} volumes of training",
            [profiles[role] for profiles in known],
            [profiles[role] for profiles in unseen],
        )
        reference.save(reference_file(options.output, role))
        print(f"{role}: up to {reference.limit:.3g} standard deviations are usual")


def _profiles(seed: int) -> dict[str, Vector]:
    study = simulated_study(seed)
    scans = {"flair": study.flair, "t1": study.t1}
    return {role: array_profile(scan.array) for role, scan in scans.items() if scan is not None}


if __name__ == "__main__":
    main()
