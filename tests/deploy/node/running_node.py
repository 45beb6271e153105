"""A node in a process of its own, seen from outside: its port, its folder, its database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import yaml
from sqlalchemy import select

from deploy.node.database import Database, Job, Study, open_database
from phantoms.send import send_files
from tests.deploy.node import tiny_app
from tests.deploy.node.archive import Archive
from tests.peers import free_port
from tests.waiting import until

REPOSITORY = Path(__file__).resolve().parents[3]


class RunningNode:
    """Starts, stops and kills the node; ``control`` is the folder that tells the tiny app what to do."""

    def __init__(
        self, folder: Path, archive: Archive, *, quiet_seconds: float = 0.3, lease_seconds: float = 60.0
    ) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.control = folder / "control"
        self.control.mkdir()
        self.port = free_port()
        self.config = folder / "gantry.yaml"
        content = {
            "data_folder": str(self.data),
            "receive": {"host": "127.0.0.1", "port": self.port},
            # Tests call under many names, all from this machine.
            "peers": {"anyone_here": {"ae_title": "*", "networks": ["127.0.0.0/8"]}},
            "readiness": {"quiet_seconds": quiet_seconds, "maximum_wait_seconds": 1.0},
            "destinations": {
                "pacs": {
                    "ae_title": "ARCHIVE",
                    "host": "127.0.0.1",
                    "port": archive.port,
                    "first_retry_seconds": 0.2,
                    "longest_retry_seconds": 1.0,
                }
            },
            "apps": {tiny_app.APP: {"destinations": ["pacs"], "maximum_attempts": 3}},
            "lease_seconds": lease_seconds,
        }
        self.config.write_text(yaml.safe_dump(content))
        self.process: subprocess.Popen[str] | None = None

    @property
    def log(self) -> str:
        """What the node has written to standard error, over all its lives."""
        return (self.folder / "stderr").read_text()

    def start(self) -> None:
        """Return when the node listens."""
        with (self.folder / "stderr").open("a") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.deploy.node.node_process", str(self.config)],
                cwd=REPOSITORY,
                env={**os.environ, "TINY_APP": str(self.control)},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n", self.log

    def kill(self) -> None:
        """SIGKILL: the node cannot do anything about it."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; return the exit status."""
        return self._end(signal.SIGTERM)

    def wait_until_ended(self) -> int:
        """Return the exit status of a node that ends by itself."""
        return self._end(None)

    def send(self, *paths: Path, on_progress: Callable[[int, int], None] | None = None) -> None:
        """Send files as the scanner does."""
        send_files(paths, "127.0.0.1", self.port, on_progress=on_progress)

    def database(self) -> Database:
        """The node's database, also while it runs."""
        return open_database(self.data)

    def jobs(self) -> list[Job]:
        """Every job."""
        database = self.database()
        with database.read() as session:
            found = list(session.scalars(select(Job).order_by(Job.id)))
        database.close()
        return found

    def outcomes(self) -> list[str]:
        """What the node says of each study."""
        database = self.database()
        with database.read() as session:
            found = list(session.scalars(select(Study.outcome).order_by(Study.first_received)))
        database.close()
        return found

    def wait_for(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        """Return when the condition holds; more time than this means that it never will."""
        until(condition, seconds=seconds, told=lambda: self.log)

    def _end(self, number: int | None) -> int:
        assert self.process is not None
        if number is not None:
            self.process.send_signal(number)
        status = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        return status

    def __enter__(self) -> RunningNode:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None:
            self.kill()
