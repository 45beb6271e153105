"""Studies of simulated joints as scanners write them, and the app's run on one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset

from apps.run import run_app
from operators.outcome import Outcome
from phantoms.sonography import REFERENCE, Scanner, SimulatedSonogram, WrittenSonogram, simulate_joint, write_sonogram

STARTED = datetime(2026, 2, 5, 10, 0, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Run:
    """A run's outcome, its result objects by name, and the folder that they lie in."""

    outcome: Outcome
    objects: dict[str, Dataset]
    folder: Path


def joint(seed: int, *, effusion: bool = True, scanner: Scanner = REFERENCE) -> SimulatedSonogram:
    return simulate_joint(effusion=effusion, seed=seed, scanner=scanner)


def write(pictures: list[SimulatedSonogram], folder: Path, **attributes: Any) -> WrittenSonogram:
    folder.mkdir(exist_ok=True, parents=True)
    return write_sonogram(
        pictures, folder, seed=1, **{"description": "MCP 2 right", "BodyPartExamined": "HAND", **attributes}
    )


def run(study: Path, output: Path, **settings: float) -> Run:
    outcome = run_app("us_joint_effusion", study, output, device="cpu", settings=settings, started=STARTED)
    return Run(outcome, {Path(name).stem: dcmread(output / name) for name in outcome.files}, output)


def groups(report: Dataset) -> dict[str, list[Dataset]]:
    """The content items of each measurement group by tracking identifier."""
    measurements = next(item for item in report.ContentSequence if name(item) == "126010")
    return {
        next(item.TextValue for item in group.ContentSequence if name(item) == "112039"): list(group.ContentSequence)
        for group in measurements.ContentSequence
        if name(group) == "125007"
    }


def name(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeValue) if "ConceptNameCodeSequence" in item else ""


def number(items: list[Dataset], code: str) -> float:
    item = next(item for item in items if name(item) == code)
    return float(item.MeasuredValueSequence[0].NumericValue)


def coded(items: list[Dataset], code: str) -> str:
    return str(next(item for item in items if name(item) == code).ConceptCodeSequence[0].CodeValue)
