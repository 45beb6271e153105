"""A node as a process, seen from outside: its port, its processes, its folder, its database."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.node import tiny_app
from tests.peers import free_port
from tests.reliability.destination import Destination
from tests.reliability.processes import Process, tree
from tests.reliability.upper_layer import VERIFICATION, Association, EndedError, Proposal

REPOSITORY = Path(__file__).resolve().parents[2]

_START_SECONDS = 120.0


class NodeError(AssertionError):
    """The node has not done what it has to."""


@dataclass(frozen=True)
class Job:
    """A job as the database has it."""

    number: int
    study_instance_uid: str
    state: str
    reason: str
    detail: str
    attempts: int
    sop_instance_uids: frozenset[str]

    @property
    def is_final(self) -> bool:
        return self.state in ("delivered", "refused", "failed", "cancelled")

    @property
    def gave_way(self) -> bool:
        """Whether it was withdrawn before it began, as more images of its study had come."""
        return (self.state, self.reason) == ("cancelled", "superseded")


class NodeProcess:
    """``gantry serve`` with a light app. ``prefix`` is a command that runs it, such as ``taskset``."""

    def __init__(
        self,
        folder: Path,
        destinations: Mapping[str, Destination],
        /,
        *,
        data: Path | None = None,
        target: str = tiny_app.TARGET,
        prefix: tuple[str, ...] = (),
        **configuration: Mapping[str, Any],
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.data = data or folder / "data"
        self.control = folder / "control"
        self.control.mkdir(exist_ok=True)
        self.port = free_port()
        self.process: subprocess.Popen[str] | None = None
        self._target = target
        self._prefix = prefix
        self.config = folder / "gantry.yaml"
        self.config.write_text(yaml.safe_dump(self._configuration(destinations, configuration)))

    def _configuration(
        self, destinations: Mapping[str, Destination], more: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Any]:
        content: dict[str, Any] = {
            "data_folder": str(self.data),
            "receive": {"host": "127.0.0.1", "port": self.port},
            "peers": {"senders": {"ae_title": "*", "networks": ["127.0.0.0/8"], "may": ["echo", "store"]}},
            "readiness": {"quiet_seconds": 0.3, "maximum_wait_seconds": 1.0},
            "destinations": {
                name: {
                    "ae_title": peer.ae_title,
                    "host": "127.0.0.1",
                    "port": peer.port,
                    "first_retry_seconds": 0.2,
                    "longest_retry_seconds": 1.0,
                }
                for name, peer in destinations.items()
            },
            "apps": {tiny_app.APP: {"destinations": list(destinations)}} if destinations else {},
        }
        for part, values in more.items():
            _merge(content.setdefault(part, {}), values)
        return content

    @property
    def log(self) -> str:
        """What the node has written to standard error, over all its lives."""
        return (self.folder / "stderr").read_text()

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def launch(self) -> None:
        """Start the process and wait for nothing."""
        with (self.folder / "stderr").open("a") as errors:
            self.process = subprocess.Popen(
                [*self._prefix, sys.executable, "-m", "tests.deploy.node.node_process", str(self.config), self._target],
                cwd=REPOSITORY,
                env={**os.environ, "TINY_APP": str(self.control)},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def start(self) -> None:
        """Return when the node listens."""
        self.launch()
        self.wait_until_listening()

    def wait_until_listening(self) -> None:
        """Return when the node that was launched listens. Raises :class:`NodeError`."""
        assert self.process is not None
        assert self.process.stdout is not None
        if self.process.stdout.readline() != "ready\n":
            raise NodeError(f"the node did not start: {self.tail()}")

    def wait_for_app(self) -> None:
        """Return when the app's warm process is there."""
        self.wait_for(lambda: any(process.kind == "app" for process in self.tree()), "the app's process")

    def kill(self) -> None:
        """SIGKILL of the node itself."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; return the exit status."""
        return self._end(signal.SIGTERM)

    def tree(self) -> tuple[Process, ...]:
        """The node's processes."""
        return tree(self.pid)

    def answers(self, seconds: float = 10.0) -> bool:
        """Whether a C-ECHO is answered."""
        try:
            with Association(self.port, [Proposal(1, VERIFICATION)], seconds=seconds) as association:
                return association.echo(1) == 0
        except EndedError:
            return False

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of the node's database, read beside it."""
        with closing(sqlite3.connect(f"file:{self.data / 'index.sqlite'}?mode=ro", uri=True, timeout=30)) as connection:
            return connection.execute(statement, values).fetchall()

    def jobs(self) -> dict[int, Job]:
        """Every job by its number."""
        rows = self.query(
            "SELECT id, study_instance_uid, state, reason, detail, attempts, sop_instance_uids FROM jobs ORDER BY id"
        )
        return {
            number: Job(number, study, state, reason, detail, attempts, frozenset(json.loads(uids)))
            for number, study, state, reason, detail, attempts, uids in rows
        }

    def wait_for(self, condition: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
        """Return when the condition holds. Raises :class:`NodeError`: more time than this means it never will."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise NodeError(f"not within {seconds:g} s: {what}; {self.tail()}")
            time.sleep(0.02)

    def tail(self) -> str:
        """The last lines of the log."""
        return "\n".join(self.log.splitlines()[-15:])

    def _end(self, number: int) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        status = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        return status

    def __enter__(self) -> NodeProcess:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.kill()


def _merge(content: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, Mapping) and isinstance(content.get(key), dict):
            _merge(content[key], value)
        else:
            content[key] = value
