"""From the last image to the results in the archive: ``python benchmarks/end_to_end.py --studies 5``.

Starts an archive and a node with the real app on this machine and sends full-size simulated studies, one after
another, each of another head. Times are those of the node's own event log.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from machine import describe_machine, markdown_table, median, spread

from deploy.demo.archive import running_archive
from deploy.demo.node import AE_TITLE, RunningNode, running_node
from deploy.demo.timeline import Progress, read_progress
from deploy.node.config import ReadinessConfig
from deploy.node.database import Database, JobState, Study, open_database
from operators.infer.device import choose_device
from phantoms.mr_brain import simulate_brain_mr, write_brain_mr
from phantoms.mr_brain.dicom import BrainMRStudy
from phantoms.mr_brain.grids import Size
from phantoms.send import send_files

APP = "mr_white_matter_lesions"
FIRST_SEED = 90_500
INFERENCE = ("lesions", "regions")


SCANNER = "PHANTOM"


@dataclass(frozen=True)
class Timing:
    """Seconds of each step of one study, in order, and of the whole way."""

    images: int
    sending: float
    steps: dict[str, float]


def main() -> None:
    """Measure and print Markdown tables."""
    options = _parser().parse_args()
    print(describe_machine(choose_device("auto")))
    with tempfile.TemporaryDirectory() as folder:
        timings = _measure(Path(folder), options.studies, options.size)
    _print(timings)


def _measure(folder: Path, studies: int, size: Size) -> list[Timing]:
    timings = []
    with (
        running_archive(folder / "archive") as archive,
        running_node(folder / "node", APP, archive, sender=SCANNER) as node,
    ):
        print(f"archive: {archive.description}; quiet time {ReadinessConfig().quiet_seconds:g} s")
        database = open_database(node.data_folder)
        for number in range(studies):
            phantom = simulate_brain_mr(FIRST_SEED + number, size=size)
            study = write_brain_mr(phantom, folder / f"study{number}")
            report = send_files(study.paths, node.host, node.port, calling_ae_title=SCANNER, called_ae_title=AE_TITLE)
            if report.failed:
                raise SystemExit(f"the node refused {len(report.failed)} images")
            progress = _wait(study, node, database)
            timings.append(Timing(len(study.paths), report.seconds, _steps(progress, _last_stored(study, database))))
        database.close()
    return timings


def _wait(study: BrainMRStudy, node: RunningNode, database: Database) -> Progress:
    while True:
        progress = read_progress(database, study.study_uid)
        if progress.state is JobState.DELIVERED:
            return progress
        if progress.state is not None and progress.state.is_final:
            raise SystemExit(f"the job ended as {progress.state.value}: {progress.outcome}")
        node.check()
        time.sleep(0.25)


def _last_stored(study: BrainMRStudy, database: Database) -> datetime:
    with database.read() as session:
        return session.get_one(Study, str(study.study_uid)).last_received


def _steps(progress: Progress, last_stored: datetime) -> dict[str, float]:
    at = {step.kind: step.at for step in progress.steps}
    seconds = next(step.data["seconds"] for step in progress.steps if step.kind == "verifying")
    inference = sum(seconds[name] for name in INFERENCE)
    app = (at["verifying"] - at["running"]).total_seconds()
    return {
        "last image stored → study ready (quiet time)": (at["ready"] - last_stored).total_seconds(),
        "ready → job started": (at["running"] - at["ready"]).total_seconds(),
        "reading, checks, alignment": sum(seconds[name] for name in ("study", "selection", "volumes", "inputs")),
        "inference: lesions": seconds["lesions"],
        "inference: regions": seconds["regions"],
        "measuring": seconds["burden"],
        "writing the four objects": seconds["objects"],
        "graph, process, other": app
        - inference
        - sum(seconds[name] for name in ("study", "selection", "volumes", "inputs", "burden", "objects")),
        "results written → verified": (at["delivering"] - at["verifying"]).total_seconds(),
        "verified → delivered": (at["delivered"] - at["delivering"]).total_seconds(),
        "last image stored → delivered": (at["delivered"] - last_stored).total_seconds(),
    }


def _print(timings: list[Timing]) -> None:
    inference = [sum(timing.steps[f"inference: {name}"] for name in INFERENCE) for timing in timings]
    rows = []
    for step in timings[0].steps:
        seconds = [timing.steps[step] for timing in timings]
        ratio = median([value / whole for value, whole in zip(seconds, inference, strict=True)])
        rows.append((step, f"{median(seconds):.2f}", spread(seconds), f"{seconds[0]:.2f}", f"{ratio:.3f}"))
    columns = ("step", f"median of {len(timings)}, s", "range, s", "first study, s", "÷ inference")
    print("\n" + markdown_table(columns, rows))
    sending = [timing.images / timing.sending for timing in timings]
    print(
        f"\nsending: {timings[0].images} images a study, median {median(sending):.0f} images/s ({spread(sending, 0)})"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=5, help="how many studies, each of another head")
    parser.add_argument("--size", choices=("full", "small"), default="full", help="size of the simulated studies")
    return parser


if __name__ == "__main__":
    main()
