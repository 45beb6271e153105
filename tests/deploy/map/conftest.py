"""One build context for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.map.context import write_context

# The fixture of the command line's own tests.
from tests.deploy.cli.conftest import gantry

__all__ = ["gantry"]

APP = "mr_white_matter_lesions"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build context."""
    output = tmp_path_factory.mktemp("map") / "context"
    write_context(APP, output)
    return output


@pytest.fixture(scope="session")
def rootfs(built: Path) -> Path:
    """The image's tree, as the build context holds it."""
    return built / "rootfs"
