"""One archive for all tests of this folder, and one node with the real app."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.orthanc.server import Orthanc, find_orthanc, running_orthanc
from phantoms.mr_brain import BrainMRPhantom, simulate_brain_mr
from tests.integration.sites import Site, running_site


@pytest.fixture(scope="session")
def pacs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """A real Orthanc that plays the PACS; tests send studies of their own and never count what others sent."""
    if find_orthanc() is None:
        pytest.skip("Orthanc is not installed")
    with running_orthanc(tmp_path_factory.mktemp("orthanc")) as server:
        yield server


@pytest.fixture(scope="session")
def site(pacs: Orthanc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """``gantry serve`` with the real app and its weights: tests share it, as starting and warming it take long."""
    with running_site(tmp_path_factory.mktemp("site"), pacs) as running:
        yield running


@pytest.fixture(scope="session")
def small_head() -> BrainMRPhantom:
    """A small simulated head; each test writes it as a study of its own."""
    return simulate_brain_mr(3, size="small")
