from __future__ import annotations

from pathlib import Path

import pytest

from operators.manifest import Manifest, load_manifest
from phantoms.mr_brain import simulate_brain_mr
from phantoms.mr_brain.data import BrainMRPhantom

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def manifest() -> Manifest:
    return load_manifest(REPOSITORY / "apps" / "mr_white_matter_lesions" / "app.yaml")


@pytest.fixture(scope="session")
def brain() -> BrainMRPhantom:
    return simulate_brain_mr(3, size="small")
