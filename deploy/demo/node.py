"""Start the node of the demonstration: ``gantry serve`` with a configuration of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from deploy.child import stop
from deploy.demo.archive import Archive
from deploy.demo.echo import AE_TITLE as ECHO_AE_TITLE
from deploy.demo.echo import answers_echo
from deploy.orthanc.server import free_port

AE_TITLE = "GANTRY"
START_SECONDS = 60.0
STOP_SECONDS = 30.0
_THIS_MACHINE = "127.0.0.0/8"


class NodeError(RuntimeError):
    """The node does not start or has ended; the message holds the end of its log."""


@dataclass(frozen=True)
class RunningNode:
    """A node on this machine."""

    host: str
    port: int
    config: Path
    data_folder: Path
    log: Path
    process: subprocess.Popen[bytes]

    def check(self) -> None:
        """Raise :class:`NodeError` if the node has ended."""
        if self.process.poll() is not None:
            tail = self.log.read_text(encoding="utf-8", errors="replace")[-3000:]
            raise NodeError(f"the node ended with status {self.process.returncode}:\n{tail}")


@contextmanager
def running_node(folder: Path, app: str, archive: Archive, *, sender: str) -> Iterator[RunningNode]:
    """Start a node that runs one app on what ``sender`` (an AE title) stores, and delivers to the archive.

    Everything of its own lies in ``folder``; nobody but ``sender`` on this machine may store.

    Raises :class:`NodeError` where it does not answer C-ECHO within a minute.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    config = folder / "gantry.yaml"
    content = {
        "data_folder": "data",
        "receive": {"ae_title": AE_TITLE, "host": "127.0.0.1", "port": port},
        "peers": {
            "scanner": {"ae_title": sender, "networks": [_THIS_MACHINE]},
            "demonstration": {"ae_title": ECHO_AE_TITLE, "networks": [_THIS_MACHINE], "may": ["echo"]},
        },
        "destinations": {
            "archive": {"ae_title": archive.ae_title, "host": archive.host, "port": archive.port},
        },
        "apps": {app: {"destinations": ["archive"]}},
    }
    config.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    log_path = folder / "node.log"
    # Variables that configure another node on this machine are not meant for this one.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GANTRY_")}
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.cli", "serve", "--config", str(config)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
        )
    node = RunningNode("127.0.0.1", port, config, folder / "data", log_path, process)
    try:
        _wait_until_it_answers(node)
        yield node
    finally:
        stop(process, STOP_SECONDS)


def _wait_until_it_answers(node: RunningNode) -> None:
    end = time.monotonic() + START_SECONDS
    while not answers_echo(node.host, node.port, AE_TITLE):
        node.check()
        if time.monotonic() > end:
            raise NodeError(f"the node did not answer within {START_SECONDS:.0f} s; its log is {node.log}")
        time.sleep(0.1)
