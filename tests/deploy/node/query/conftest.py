"""The archives, started once for all tests of the room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.node.query import Archive
from deploy.orthanc.server import find_orthanc
from tests.deploy.node import archive as receiving
from tests.deploy.node.query import archives


@pytest.fixture(scope="package")
def receiver() -> Iterator[receiving.Archive]:
    """Listens where the archives believe that the node is."""
    with receiving.Archive() as running:
        yield running


@pytest.fixture(scope="package", params=["dcmqrscp", "orthanc"])
def archive(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, receiver: receiving.Archive
) -> Iterator[Archive]:
    """A real archive with the studies of :func:`tests.deploy.node.query.archives.studies`."""
    files = archives.studies(tmp_path_factory.mktemp("studies"))
    folder = tmp_path_factory.mktemp("archive") / "data"
    if request.param == "orthanc" and find_orthanc() is None:
        pytest.skip("Orthanc is not installed")
    # dcmqrscp takes but one compressed transfer syntax, and converts nothing.
    if request.param == "orthanc":
        files += archives.compressed(tmp_path_factory.mktemp("compressed"))
    start = archives.orthanc if request.param == "orthanc" else archives.dcmqrscp
    with start(folder, files, receiver.port) as running:
        yield running
