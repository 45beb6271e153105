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


def _start_daemon() -> int:
    """A process in a session of its own, whose parent ends at once, with no stream left: a daemon."""
    program = (
        "import os, sys, time\n"
        "if os.fork(): os._exit(0)\n"
        "os.setsid()\n"
        "process = os.fork()\n"
        "if process: print(process, flush=True); os._exit(0)\n"
        "os.closerange(0, 3); time.sleep(600)\n"
    )
    return int(subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True).stdout)


def _fork(generations: int, folder: Path) -> None:
    """Every process forks twice, again and again: 2 ** generations in the end, in sessions of their own."""
    for _ in range(generations):
        if os.fork() == 0:
            os.setsid()
    (folder / f"forked-{os.getpid()}").touch()
    time.sleep(600)


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
    if do == "hang with a daemon":
        (output_folder / "daemon").write_text(str(_start_daemon()))
        time.sleep(600)
    if do == "leave a daemon":
        (output_folder / "daemon").write_text(str(_start_daemon()))
    if do == "leave a daemon and segfault":
        (output_folder / "daemon").write_text(str(_start_daemon()))
        ctypes.string_at(0)
    if do == "fork":
        _fork(4, output_folder)
        time.sleep(600)
    if do == "allocate":
        held = bytearray(int(str(settings["bytes"])))
        time.sleep(600)
        del held
    if do == "allocate in children":
        part = int(str(settings["bytes"])) // 4
        for _ in range(4):
            subprocess.Popen([sys.executable, "-c", f"import time; held = bytearray({part}); time.sleep(600)"])
        time.sleep(600)
    if do == "raise MemoryError":
        bytearray(1 << 62)
    if do == "raise for lack of memory":
        try:
            bytearray(1 << 62)
        except MemoryError as error:
            raise RuntimeError("the step failed") from error
    if do == "allocate a tensor":
        import torch

        torch.empty(1 << 50)
    if do == "score":
        print(Path("/proc/self/oom_score_adj").read_text())
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
