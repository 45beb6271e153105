"""The real DICOM peers that tests talk to: DCMTK, dicom3tools, Orthanc. Absent ones skip the test by name."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.orthanc.server import free_port

__all__ = ["DATA", "dciodvfy_errors", "dcmtk", "free_port", "real_data", "tool"]

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
"""Real recordings beside the checkout; never part of the repository."""

# Not the search path: the virtual environment holds pynetdicom's programs of the same names.
_SYSTEM_PATH = "/usr/bin:/usr/sbin:/usr/local/bin:/bin"


def tool(name: str) -> str:
    """Path of a program that Debian installs; skips the test, by name, where it is absent."""
    found = shutil.which(name, path=_SYSTEM_PATH)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def dcmtk(name: str) -> str:
    """Path of one of DCMTK's programs (storescu, storescp, echoscu, dcmdump, dsrdump ...)."""
    return tool(name)


def dciodvfy_errors(path: Path) -> list[str]:
    """The lines in which dicom3tools' `dciodvfy` finds an object wrong; none for a valid object."""
    done = subprocess.run([tool("dciodvfy"), str(path)], capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    # Where the file cannot be read at all there is no line with "Error", but the exit status tells.
    errors = [line for line in lines if line.startswith("Error")]
    return errors or ([f"exit status {done.returncode}", *lines[-3:]] if done.returncode else [])


def real_data(name: str) -> Path:
    """The folder of one real recording; skips the test, by name, where it is absent."""
    folder = DATA / name
    if not folder.is_dir():
        pytest.skip(f"real data {name} is not beside the checkout ({folder.parent.parent.name}/data/{name})")
    return folder
