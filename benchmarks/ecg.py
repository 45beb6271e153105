"""From the last electrocardiogram stored to the reports in the archive: ``python benchmarks/ecg.py --studies 5``.

Starts an archive and a node with one ECG app on this machine and sends simulated studies, one after another. Times are
those of the node's own event log; the quiet time, for which the node waits whether more comes, is told apart.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from machine import describe_machine, markdown_table, median, spread
from pydicom import dcmread

from deploy.demo.archive import running_archive
from deploy.demo.node import AE_TITLE, RunningNode, running_node
from deploy.demo.timeline import Progress, read_progress
from deploy.node.database import Database, JobState, Study, open_database
from operators.infer.device import choose_device
from phantoms.ecg import AMBULATORY, RESTING, TWELVE_LEAD, Heart, simulate_ecg, write_ecg
from phantoms.ecg.dicom import Recorder
from phantoms.ecg.electrodes import LEADS
from phantoms.send import send_files


@dataclass(frozen=True)
class Kind:
    """One kind of study: ``count`` recordings of one recorder."""

    name: str
    recorder: Recorder
    count: int
    seconds: float
    sampling_frequency: int
    leads: tuple[str, ...]


KINDS = (
    Kind("one 12-lead ECG, 10 s, 500 Hz", TWELVE_LEAD, 1, 10.0, 500, LEADS),
    Kind("five 12-lead ECGs", TWELVE_LEAD, 5, 10.0, 500, LEADS),
    Kind("ambulatory ECG, 60 s, 100 Hz, two leads", AMBULATORY, 1, 60.0, 100, ("II", "V5")),
)


SENDER = "PHANTOM"


def main() -> None:
    """Measure and print a Markdown table for each app."""
    options = _parser().parse_args()
    print(describe_machine(choose_device("auto")))
    for app in ("ecg_intervals", "ecg_findings"):
        with tempfile.TemporaryDirectory() as folder:
            _measure_app(Path(folder), app, options.studies)


def _measure_app(folder: Path, app: str, studies: int) -> None:
    rows = []
    with (
        running_archive(folder / "archive") as archive,
        running_node(folder / "node", app, archive, sender=SENDER) as node,
    ):
        database = open_database(node.data_folder)
        for place, kind in enumerate(KINDS):
            # The first study of each kind is not counted: it loads what the others find loaded.
            found = [
                _measure_study(folder, kind, 1000 * (place + 1) + number, node, database)
                for number in range(studies + 1)
            ]
            quiet, after = zip(*found[1:], strict=True)
            whole = [before + then for before, then in found[1:]]
            rows.append(
                (
                    kind.name,
                    f"{median(quiet):.2f}",
                    f"{median(after):.2f}",
                    spread(after),
                    f"{median(whole):.2f}",
                    f"{found[0][1]:.2f}",
                )
            )
        database.close()
    columns = (
        "study",
        "quiet time, s",
        "ready → delivered, median, s",
        "range, s",
        "stored → delivered, s",
        "first, s",
    )
    print(f"\n{app}, archive: {archive.description}\n\n{markdown_table(columns, rows)}")


def _measure_study(folder: Path, kind: Kind, seed: int, node: RunningNode, database: Database) -> tuple[float, float]:
    """Seconds from the last recording stored until the study is ready, and from then until all is delivered."""
    paths = []
    for number in range(1, kind.count + 1):
        ecg = simulate_ecg(
            Heart(),
            seed=seed + number,
            noise=RESTING,
            seconds=kind.seconds,
            sampling_frequency=kind.sampling_frequency,
        )
        path = folder / f"study{seed}" / f"{number}.dcm"
        paths.append(write_ecg(ecg, path, seed=seed, recorder=kind.recorder, leads=kind.leads, instance_number=number))
    study = str(dcmread(paths[0]).StudyInstanceUID)
    if send_files(paths, node.host, node.port, calling_ae_title=SENDER, called_ae_title=AE_TITLE).failed:
        raise SystemExit("the node refused a recording")
    progress = _wait(study, node, database)
    at = {step.kind: step.at for step in progress.steps}
    with database.read() as session:
        stored = session.get_one(Study, study).last_received
    return (at["ready"] - stored).total_seconds(), (at["delivered"] - at["ready"]).total_seconds()


def _wait(study: str, node: RunningNode, database: Database) -> Progress:
    while True:
        progress = read_progress(database, study)
        if progress.state is JobState.DELIVERED:
            return progress
        if progress.state is not None and progress.state.is_final:
            raise SystemExit(f"the job ended as {progress.state.value}: {progress.outcome}")
        node.check()
        time.sleep(0.05)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=5, help="how many studies of each kind are counted")
    return parser


if __name__ == "__main__":
    main()
