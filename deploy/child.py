"""A server that runs as a child of this process: how it is ended."""

from __future__ import annotations

import subprocess


def stop(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Ask a process to end (SIGTERM); kill it if it has not done so after ``seconds``."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
