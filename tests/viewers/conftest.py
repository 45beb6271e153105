"""One archive, one web server and one browser for all tests of this folder."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.orthanc.server import DICOM_WEB_PLUGIN, Orthanc, find_orthanc, running_orthanc
from tests.viewers import ohif
from tests.viewers.browser import CHROMEDRIVER, CHROMIUM, Viewer, running_browser
from tests.viewers.server import running_viewer


@pytest.fixture(scope="session")
def viewer_files() -> Path:
    """The folder of OHIF's files; skips where it, the browser or the archive is not there, and says what is missing."""
    for is_there, what in (
        (find_orthanc() is not None, "Orthanc is not installed (Debian package: orthanc)"),
        (DICOM_WEB_PLUGIN.is_file(), "Orthanc's DICOMweb plugin is not installed (Debian package: orthanc-dicomweb)"),
        (CHROMIUM.is_file(), "Chromium is not installed (Debian package: chromium)"),
        (CHROMEDRIVER.is_file(), "Chromium's driver is not installed (Debian package: chromium-driver)"),
        (ohif.FOLDER.is_dir(), f"OHIF {ohif.VERSION} was not fetched (make viewer)"),
    ):
        if not is_there:
            pytest.skip(what)
    return ohif.FOLDER


@pytest.fixture(scope="session")
def archive(viewer_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """A real Orthanc with DICOMweb."""
    with running_orthanc(tmp_path_factory.mktemp("orthanc"), dicom_web=True) as server:
        yield server


@pytest.fixture(scope="session")
def viewer(viewer_files: Path, archive: Orthanc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Viewer]:
    """OHIF over the archive in headless Chromium."""
    with (
        running_viewer(viewer_files, archive) as address,
        running_browser(tmp_path_factory.mktemp("chromium")) as driver,
    ):
        yield Viewer(driver, address)


def store(archive: Orthanc, *paths: Path) -> None:
    """Store files in the archive by STOW-RS (PS3.18 section 10.5)."""
    boundary = "gantry-viewers"
    part = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    body = b"".join(part + path.read_bytes() + b"\r\n" for path in paths) + f"--{boundary}--".encode()
    kind = f'multipart/related; type="application/dicom"; boundary={boundary}'
    headers = {"Content-Type": kind, "Accept": "application/dicom+json"}
    request = urllib.request.Request(f"{archive.dicom_web_url}/studies", body, headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
        assert answer.status == 200, answer.read()
