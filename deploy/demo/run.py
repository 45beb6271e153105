"""One simulated study from the scanner to the archive, on this machine."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

from deploy.demo.archive import Archive, ArchiveError, running_archive
from deploy.demo.node import AE_TITLE, NodeError, RunningNode, running_node
from deploy.demo.picture import save_picture
from deploy.demo.screen import Screen
from deploy.demo.timeline import Progress, Step, delivered_files, read_progress
from deploy.node.database import Database, JobState, open_database
from deploy.orthanc.server import OrthancError
from phantoms.mr_brain import simulate_brain_mr, write_brain_mr
from phantoms.mr_brain.dicom import BrainMRStudy
from phantoms.send import SendError, SendReport, send_files

APP = "mr_white_matter_lesions"
POLL_SECONDS = 0.1
STRUCTURED_REPORT = "SR"
SCANNER_AE_TITLE = "MR_SCANNER"
# Everything that a demonstration leaves in its folder, and all that the next one takes away.
_OWN = ("study", "archive", "node", "results", "summary.png", "log.txt")


class DemoError(Exception):
    """The demonstration failed: the message says what and why."""


@dataclass(frozen=True)
class Followed:
    """A study whose job has ended: the last picture of the node, and when the report was first seen in the archive."""

    progress: Progress
    report_seen: datetime | None


def run_demo(output: Path, *, size: Literal["full", "small"], seed: int, timeout: float) -> tuple[Path, ...]:
    """Play the whole way of one study; return the result objects fetched from the archive.

    ``output`` gets ``summary.png``, ``results/``, ``log.txt``, and the study, the node's and the archive's folders.
    ``timeout`` is in seconds from the last image. Raises :class:`DemoError`.
    """
    output.mkdir(parents=True, exist_ok=True)
    _clear(output)
    screen = Screen(output / "log.txt")
    try:
        return _play(output.resolve(), size, seed, timeout, screen)
    except (ArchiveError, OrthancError, NodeError, SendError) as error:
        screen.line(f"failed: {error}")
        raise DemoError(str(error)) from error
    except DemoError as error:
        screen.line(f"failed: {error}")
        raise


def _play(output: Path, size: Literal["full", "small"], seed: int, timeout: float, screen: Screen) -> tuple[Path, ...]:
    with running_archive(output / "archive") as archive:
        screen.step("archive", f"{archive.description} listens as {archive.ae_title} at {archive.host}:{archive.port}")
        with running_node(output / "node", APP, archive, sender=SCANNER_AE_TITLE) as node:
            screen.step("node", f"gantry serve listens as {AE_TITLE} at {node.host}:{node.port} and runs {APP}")
            study = _simulate(output / "study", size, seed, screen)
            _send(study, archive.host, archive.port, archive.ae_title, screen)
            _send(study, node.host, node.port, AE_TITLE, screen)
            sent = datetime.now(timezone.utc)
            database = open_database(node.data_folder)
            try:
                followed = _follow(study, node, archive, database, timeout, screen)
                files = _fetch(study, archive, database, followed.progress, output / "results")
            finally:
                database.close()
    _conclude(output, study, followed, files, sent, screen)
    if size == "small":
        screen.line(
            "note:      a small head is made of ellipsoids, the networks learned from anatomy: expect no accuracy here"
        )
    return files


def _clear(output: Path) -> None:
    for name in _OWN:
        path = output / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _simulate(folder: Path, size: Literal["full", "small"], seed: int, screen: Screen) -> BrainMRStudy:
    phantom = simulate_brain_mr(seed, size=size)
    study = write_brain_mr(phantom, folder)
    images = ", ".join(f"{len(series.paths)} {name}" for name, series in study.series.items())
    screen.step(
        "scanner",
        f"simulated a head with {len(phantom.lesion_list)} lesions "
        f"({phantom.flair.lesion_volume_ml:.2f} mL on the FLAIR images): {images} images",
    )
    return study


def _send(study: BrainMRStudy, host: str, port: int, ae_title: str, screen: Screen) -> SendReport:
    report = send_files(study.paths, host, port, calling_ae_title=SCANNER_AE_TITLE, called_ae_title=ae_title)
    if report.failed:
        raise DemoError(f"{ae_title} refused {len(report.failed)} of {len(report.instances)} images")
    screen.step("scanner", f"sent {len(report.instances)} images to {ae_title} in {report.seconds:.1f} s")
    return report


def _follow(
    study: BrainMRStudy, node: RunningNode, archive: Archive, database: Database, timeout: float, screen: Screen
) -> Followed:
    """Tell what the node does until its job has ended."""
    end = time.monotonic() + timeout
    told = 0
    report_seen: datetime | None = None
    while True:
        progress = read_progress(database, study.study_uid)
        for step in progress.steps[told:]:
            screen.step("node", f"{step.kind}: {step.text}")
        told = len(progress.steps)
        if report_seen is None and STRUCTURED_REPORT in archive.series_modalities(study.study_uid):
            report_seen = datetime.now(timezone.utc)
            screen.step("archive", "has the structured report")
        if progress.state is JobState.DELIVERED:
            return Followed(progress, report_seen)
        if progress.state is not None and progress.state.is_final:
            raise DemoError(f"the job ended as {progress.state.value}: {progress.outcome}")
        if progress.decided and progress.state is None:
            raise DemoError(f"the node made no job of the study: {progress.outcome or 'no outcome'}")
        node.check()
        if time.monotonic() > end:
            raise DemoError(f"no result within {timeout:g} s; the node's log is {node.log}")
        time.sleep(POLL_SECONDS)


def _fetch(
    study: BrainMRStudy, archive: Archive, database: Database, progress: Progress, folder: Path
) -> tuple[Path, ...]:
    """Fetch from the archive what the node says that it has delivered; the archive's copy is the one that counts."""
    assert progress.job_id is not None
    expected = delivered_files(database, progress.job_id)
    folder.mkdir()
    found = []
    for instance in archive.instances(study.study_uid):
        name = expected.pop(instance.sop_instance_uid, None)
        if name is not None:
            path = folder / name
            path.write_bytes(archive.fetch(instance.key))
            found.append(path)
    if expected:
        raise DemoError(f"the archive does not have {', '.join(sorted(expected.values()))} in the source study")
    return tuple(sorted(found))


def _conclude(
    output: Path,
    study: BrainMRStudy,
    followed: Followed,
    files: tuple[Path, ...],
    sent: datetime,
    screen: Screen,
) -> None:
    screen.line()
    screen.line("seconds after the last image was sent:", "bold")
    for step in followed.progress.steps:
        screen.line(f"  {(step.at - sent).total_seconds():8.2f}  {step.kind:<16} {step.text}")
        if durations := _durations(step):
            screen.line(f"{'':12}of which {durations}")
    if followed.report_seen is not None:
        seconds = (followed.report_seen - sent).total_seconds()
        screen.line()
        screen.line(f"end of C-STORE → SR in the archive: {seconds:.1f} s", "bold green")
    truth = study.phantom.flair.lesion_volume_ml
    screen.line(f"result: {followed.progress.outcome}")
    screen.line(f"truth:  {truth:.2f} mL planted on the FLAIR images")
    screen.line()
    pictures = [path for path in files if path.stem == "summary"]
    for path in pictures:
        screen.line(f"picture:   {save_picture(path, output / 'summary.png')}")
    screen.line(f"results:   {', '.join(path.name for path in files)} in {output / 'results'}")
    screen.line(f"log:       {output / 'log.txt'}; the node's own: {output / 'node' / 'node.log'}")


def _durations(step: Step) -> str:
    seconds = step.data.get("seconds")
    if not isinstance(seconds, dict):
        return ""
    longest = sorted(seconds.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {value:.2f}" for name, value in longest if value >= 0.05)
