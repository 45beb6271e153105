"""Child processes: how one is ended, and how one ends with its parent."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys

_PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Have the kernel kill this process when the thread that started it ends, however it ends (prctl(2), Linux).

    ``parent`` is the id of that thread's process.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    # It may have ended before the line above.
    if os.getppid() != parent:
        sys.exit("the parent ended while this process was started")


def stop(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Ask a process to end (SIGTERM); kill it if it has not done so after ``seconds``."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
