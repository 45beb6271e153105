"""Apps of a few lines, run by the real engine: what an app may do to a node."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from operators.outcome import Outcome
from operators.provenance import ReplacedResult
from operators.refused import Reason, Refused

_runs = 0
_prepared: list[str] = []


def prepare(app: str) -> None:
    """Remember that this was called."""
    _prepared.append(app)


def run(
    app: str,
    input_folder: Path,
    output_folder: Path,
    *,
    device: str,
    settings: Mapping[str, object],
    started: datetime,
    replaces: Sequence[ReplacedResult],
    priors_folder: Path | None,
) -> Outcome:
    """Do what ``settings["do"]`` says."""
    global _runs
    _runs += 1
    do = settings.get("do", "answer")
    if do == "raise":
        raise ValueError("the app's own mistake")
    if do == "exit":
        sys.exit(3)
    if do == "leave":
        os._exit(7)
    if do == "abort":
        os.abort()
    if do == "segfault":
        ctypes.string_at(0)
    if do == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if do == "hang":
        (output_folder / "running").touch()
        time.sleep(600)
    if do == "hang with a child":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        (output_folder / "grandchild").write_text(str(child.pid))
        time.sleep(600)
    if do == "refuse":
        raise Refused(Reason.NO_READABLE_INSTANCE, "3 files")
    if do == "print":
        print("printed by the app")
        os.write(1, b"written to standard output\n")
        sys.stdin.read()
    if do == "answer something else":
        return 7  # type: ignore[return-value]
    return Outcome(
        app=app,
        version="1.0.0",
        input_digest="0" * 64,
        status="analysed",
        summary=f"{len(list(input_folder.iterdir()))} files, {device}, {started.isoformat()}",
        detail=" ".join(_prepared),
        segment_voxels={"lesions": {1: 12}},
        seconds={"runs": _runs, "process": os.getpid()},
    )
