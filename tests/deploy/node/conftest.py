"""Fixtures that the tests of the node share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.node.database import Database, open_database
from phantoms.mr_brain.dicom import BrainMRStudy, write_brain_mr
from phantoms.mr_brain.simulate import simulate_brain_mr
from tests.deploy.node.node import Examination


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def brain_study(tmp_path_factory: pytest.TempPathFactory) -> BrainMRStudy:
    """A small simulated examination on disk; tests must not change its files."""
    return write_brain_mr(simulate_brain_mr(3, size="small"), tmp_path_factory.mktemp("brain"))


@pytest.fixture(scope="session")
def examination(brain_study: BrainMRStudy) -> Examination:
    """The same with few slices."""
    return Examination(brain_study)
