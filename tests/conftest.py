"""Fixtures that tests of every room share; the plain functions behind them are in :mod:`tests.peers`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from deploy.orthanc.server import Orthanc, find_orthanc, running_orthanc

# Machines that run tests have few cores, and several processes of one test share them.
os.environ.setdefault("OMP_NUM_THREADS", "2")

# On a busy machine an example may take any time: no test of this suite is about time.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    """A real, empty Orthanc on this machine with AE title ARCHIVE; skips the test where it is not installed."""
    if find_orthanc() is None:
        pytest.skip("Orthanc is not installed")
    with running_orthanc(tmp_path / "orthanc") as server:
        yield server
