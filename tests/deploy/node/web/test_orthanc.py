"""Orthanc's DICOMweb client as sender."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests

from deploy.orthanc.server import DICOM_WEB_PLUGIN, find_orthanc, running_orthanc
from tests.deploy.node.sending import STUDY, encoded, instance
from tests.deploy.node.web.served import TOKEN, dicom_file, served

pytestmark = pytest.mark.peer


def test_orthanc_stores_a_study_by_stow_rs(tmp_path: Path) -> None:
    if find_orthanc() is None or not DICOM_WEB_PLUGIN.is_file():
        pytest.skip("Orthanc with its DICOMweb plugin is not installed")
    with served(tmp_path) as gantry, running_orthanc(tmp_path / "orthanc", dicom_web=True) as orthanc:
        rest = f"http://{orthanc.host}:{orthanc.http_port}"
        images = [instance(number, pixels=bytes([number]) * 2048) for number in range(1, 6)]
        for image in images:
            assert requests.post(f"{rest}/instances", data=dicom_file(image), timeout=60).status_code == 200
        (study,) = requests.get(f"{rest}/studies", timeout=60).json()
        server: dict[str, Any] = {"Url": gantry.url, "HttpHeaders": {"Authorization": f"Bearer {TOKEN}"}}
        assert requests.put(f"{rest}/dicom-web/servers/gantry", json=server, timeout=60).status_code == 200
        answer = requests.post(
            f"{rest}/dicom-web/servers/gantry/stow", json={"Resources": [study], "Synchronous": True}, timeout=60
        )
        assert answer.status_code == 200, orthanc.log.read_text()
        event = gantry.wait_for_event("received")
        assert event.text == "SENDER sent 5 new instances and ended its request"
        for image in images:
            path = gantry.spool.folder / STUDY / image.SeriesInstanceUID / f"{image.SOPInstanceUID}.dcm"
            assert path.read_bytes().endswith(encoded(image))
