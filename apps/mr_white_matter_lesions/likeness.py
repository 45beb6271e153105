"""Is a volume like the simulated ones that the networks were trained on? Told in the report, never a refusal.

The embedding is the shape of the foreground's histogram: it needs no network, so that the gate speaks before the
networks run. The references are made with ``python -m apps.mr_white_matter_lesions.training.references``.

It only warns, because the training data are simulated: every real head is far from them (a T1 of another vendor
by 23 standard deviations, where 6 are usual), and the app's limits say so. With weights from real data the limit is
worth refusing by.
"""

from __future__ import annotations

from pathlib import Path

from operators.check.domain_shift import Reference, domain_shift_gate, intensity_profile
from operators.check.gate import GateResult
from operators.read.volume import Volume

ROLES = ("flair", "t1")


def reference_file(folder: Path, role: str) -> Path:
    """Return where a role's reference is kept in the folder of the model."""
    return folder / f"reference_{role}.json"


def load_references(folder: Path) -> dict[str, Reference]:
    """Return the reference of each role. Raises ``FileNotFoundError``."""
    return {role: Reference.load(reference_file(folder, role)) for role in ROLES}


def judge_likeness(volume: Volume, reference: Reference) -> GateResult:
    """Return how far a volume is from the training data: always passed, with a warning where it is far."""
    return domain_shift_gate(volume, intensity_profile, reference, refuses=False)
