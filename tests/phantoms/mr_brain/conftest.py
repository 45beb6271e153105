"""Phantoms shared by the tests of this folder; simulating is the slow part."""

from __future__ import annotations

import pytest

from phantoms.mr_brain import BrainMRPhantom, lesion_in_region, simulate_brain_mr

# Regions of both sides: frontal lobe, superior corona radiata, superior longitudinal fasciculus, occipital lobe.
PLANTED_REGIONS = (1, 14, 25, 8)
PLANTED_RADIUS = 6.0


@pytest.fixture(scope="session")
def small_phantom() -> BrainMRPhantom:
    """A small head with the lesions that seed 1 draws."""
    return simulate_brain_mr(1, size="small")


@pytest.fixture(scope="session", params=["small", "full"])
def planted(request: pytest.FixtureRequest) -> BrainMRPhantom:
    """A head with one sphere in each of PLANTED_REGIONS, in that order."""
    if request.param == "full":
        pytest.importorskip("nilearn", reason="the full-size head needs the `phantoms` extra")
    lesions = [lesion_in_region(3, region, PLANTED_RADIUS, size=request.param) for region in PLANTED_REGIONS]
    return simulate_brain_mr(3, size=request.param, lesions=lesions)


@pytest.fixture(scope="session")
def full_phantom() -> BrainMRPhantom:
    """A full-size head with the lesions that its seed draws."""
    pytest.importorskip("nilearn", reason="the full-size head needs the `phantoms` extra")
    return simulate_brain_mr(4)
