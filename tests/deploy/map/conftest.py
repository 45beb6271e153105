"""A build context of each kind of app for all tests of this folder: with weights, and of rules alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.map.context import write_context

# The fixture of the command line's own tests.
from tests.deploy.cli.conftest import gantry

__all__ = ["gantry"]

APPS = ("mr_white_matter_lesions", "ecg_intervals", "ecg_findings")
APP = APPS[0]


@pytest.fixture(scope="session", params=APPS)
def app(request: pytest.FixtureRequest) -> str:
    """The app that is packaged."""
    return str(request.param)


@pytest.fixture(scope="session")
def built(app: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build context."""
    output = tmp_path_factory.mktemp("map") / "context"
    write_context(app, output)
    return output


@pytest.fixture(scope="session")
def rootfs(built: Path) -> Path:
    """The image's tree, as the build context holds it."""
    return built / "rootfs"
