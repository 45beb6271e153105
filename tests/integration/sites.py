"""A node beside an archive, seen from outside only: processes, DICOM connections, the command line."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.filebase import DicomBytesIO

from deploy.child import stop
from deploy.orthanc.server import Orthanc, StoredInstance
from phantoms.faults import set_attributes
from phantoms.mr_brain import simulate_brain_mr, write_brain_mr
from tests.peers import dcmtk, free_port
from tests.waiting import until

REPOSITORY = Path(__file__).resolve().parents[2]
APP = "mr_white_matter_lesions"
AE_TITLE = "GANTRY"
SERVE = ("-m", "deploy.cli", "serve", "--config")


@dataclass(frozen=True)
class Result:
    """One result object as the archive gives it back."""

    dataset: FileDataset
    path: Path


@dataclass(frozen=True)
class Site:
    """A running node that delivers to a running Orthanc."""

    archive: Orthanc
    port: int
    config: Path
    log: Path
    process: subprocess.Popen[bytes]

    def gantry(self, *arguments: str, configured: bool = True) -> str:
        """What ``gantry`` prints; ``configured`` asks about this node."""
        asked = ("--config", str(self.config)) if configured else ()
        done = subprocess.run(
            [sys.executable, "-m", "deploy.cli", *arguments, *asked],
            cwd=REPOSITORY,
            # So wide that no value of a table goes on in a second line.
            env={**os.environ, "COLUMNS": "4000"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def show_study(self, study_instance_uid: str) -> str:
        """``gantry studies show``."""
        return self.gantry("studies", "show", study_instance_uid)

    def jobs(self, study_instance_uid: str) -> list[Mapping[str, str]]:
        """The jobs of one study as ``gantry studies show`` lists them, by column."""
        lines = [line.strip() for line in self.show_study(study_instance_uid).splitlines()]
        below = lines[lines.index("Jobs") + 1 : lines.index("Decisions and events")]
        table = [_cells(line) for line in takewhile(bool, below) if line[0] in "┃│"]
        # A long detail goes on in further lines, which have no number.
        return [dict(zip(table[0], row, strict=True)) for row in table[1:] if row[0]]

    def wait_for(self, condition: Callable[[], bool], seconds: float = 600.0) -> None:
        """Return when the condition holds; more time than this means that it never will."""

        def holds() -> bool:
            assert self.process.poll() is None, self._log_end("the node has ended")
            return condition()

        until(holds, seconds=seconds, told=lambda: self._log_end("it did not happen"))

    def wait_for_event(self, study_instance_uid: str, kind: str) -> None:
        """Return when the node has told of an event of this kind and study; fail at once when its job has failed."""

        def has_happened() -> bool:
            told = {event["kind"] for event in self._told() if event.get("study") == study_instance_uid}
            assert "failed" not in told or kind in told, self._log_end("the job has failed")
            return kind in told

        self.wait_for(has_happened)

    def wait_for_job(self, study_instance_uid: str, state: str) -> Mapping[str, str]:
        """Return the study's one job, in this final state."""
        self.wait_for_event(study_instance_uid, state)
        (job,) = self.jobs(study_instance_uid)
        assert job["state"] == state
        return job

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The events of one kind on the node's standard error."""
        return [event for event in self._told() if event["kind"] == kind]

    def _told(self) -> list[dict[str, Any]]:
        # The last line may be half written. What is no event is a library's warning.
        whole = self.log.read_text(encoding="utf-8", errors="replace").rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

    def wait_until_decided(self, folder: Path) -> None:
        """Return when readiness has come past everything received so far: it has decided over a later study.

        That study, of a knee, is written to ``folder``; it concerns no app.
        """
        knee = write_brain_mr(
            simulate_brain_mr(3, size="small"), folder, sequences=("FLAIR",), uid_salt=f"knee {folder}"
        )
        set_attributes(knee.paths, BodyPartExamined="KNEE")
        done = storescu(self.port, *knee.paths)
        assert done.returncode == 0, done.stderr
        self.wait_for_event(knee.study_uid, "not-analysed")

    def wait_for_series(self, study_instance_uid: str, *modalities: str) -> None:
        """Return when the archive's series of a study have exactly these modalities."""
        self.wait_for(lambda: sorted(self.archive.series_modalities(study_instance_uid)) == sorted(modalities))

    def fetch(self, instances: Sequence[StoredInstance], folder: Path) -> dict[str, Result]:
        """Fetch objects from the archive into a folder, by series description."""
        folder.mkdir(exist_ok=True)
        found = {}
        for instance in instances:
            content = self.archive.fetch(instance.key)
            dataset = dcmread(DicomBytesIO(content))
            path = folder / f"{instance.sop_instance_uid}.dcm"
            path.write_bytes(content)
            found[str(dataset.SeriesDescription)] = Result(dataset, path)
        assert len(found) == len(instances)
        return found

    def _log_end(self, problem: str) -> str:
        return f"{problem}:\n{self.log.read_text(encoding='utf-8', errors='replace')[-4000:]}"


@contextmanager
def running_site(
    folder: Path,
    archive: Orthanc,
    *,
    command: Sequence[str] = SERVE,
    maximum_wait_seconds: float = 120.0,
    apps: Sequence[str] = (APP,),
    **app: Any,
) -> Iterator[Site]:
    """Start a node with its own configuration; ``app`` are more keys of each app, ``command`` is Python's arguments."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "gantry.yaml"
    content = {
        "data_folder": "data",
        "receive": {"ae_title": AE_TITLE, "host": "127.0.0.1", "port": port},
        "peers": {"scanner": {"ae_title": "SCANNER", "networks": ["127.0.0.0/8"]}},
        "readiness": {"quiet_seconds": 0.5, "maximum_wait_seconds": maximum_wait_seconds},
        "destinations": {"pacs": {"ae_title": archive.ae_title, "host": archive.host, "port": archive.port}},
        "apps": {name: {"destinations": ["pacs"], **app} for name in apps},
    }
    config.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    log_path = folder / "node.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command, str(config)],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    site = Site(archive, port, config, log_path, process)
    try:
        site.wait_for(lambda: _listens(port))
        yield site
    finally:
        stop(process, 30)


def storescu(
    port: int, *paths: Path, called_ae_title: str = AE_TITLE, options: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Send files or, with the options +sd +r, folders by DCMTK's storescu."""
    return subprocess.run(
        [
            dcmtk("storescu"),
            *options,
            "-aet",
            "SCANNER",
            "-aec",
            called_ae_title,
            "127.0.0.1",
            str(port),
            *map(str, paths),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("┃│").replace("┃", "│").split("│")]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
