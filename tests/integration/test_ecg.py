"""An electrocardiogram through the real node and both ECG apps to a real archive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread

from deploy.orthanc.server import Orthanc
from phantoms.ecg import RESTING, Heart, Infarction, simulate_ecg, write_ecg
from tests.integration.sites import Result, Site, running_site, storescu
from tests.operators.write.validators import dciodvfy_problems

pytestmark = [pytest.mark.peer, pytest.mark.slow, pytest.mark.timeout(300)]

APPS = ("ecg_intervals", "ecg_findings")
IDENTIFIERS = ("PatientID", "PatientName", "PatientBirthDate", "StudyInstanceUID", "StudyID", "AccessionNumber")
DESCRIPTIONS = {
    "ECG report",
    "ECG annotations",
    "ECG plot",
    "ECG findings",
    "ECG findings evidence",
    "ECG findings plot",
}


@pytest.fixture(scope="module")
def ecg_site(pacs: Orthanc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("ecg_site"), pacs, apps=APPS) as running:
        yield running


@pytest.fixture(scope="module")
def sent(ecg_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    heart = Heart(infarction=Infarction.ANTERIOR, st_elevation=0.4, pr=240)
    ecg = simulate_ecg(heart, noise=RESTING, seed=11)
    path = write_ecg(ecg, tmp_path_factory.mktemp("ecg") / "ecg.dcm", seed=4711)
    done = storescu(ecg_site.port, path)
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture(scope="module")
def results(ecg_site: Site, sent: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    study = str(dcmread(sent).StudyInstanceUID)
    ecg_site.wait_for(lambda: len(ecg_site.archive.instances(study)) == len(DESCRIPTIONS), 240)
    return ecg_site.fetch(ecg_site.archive.instances(study), tmp_path_factory.mktemp("results"))


def test_both_apps_deliver_reports_annotations_and_plots(results: dict[str, Result], sent: Path) -> None:
    assert set(results) == DESCRIPTIONS
    source = dcmread(sent)
    for result in results.values():
        for keyword in IDENTIFIERS:
            assert result.dataset[keyword].value == source[keyword].value, keyword


def test_validator_finds_no_problem(results: dict[str, Result]) -> None:
    for name, result in results.items():
        assert dciodvfy_problems(result.path) == [], name


def test_the_jobs_tell_what_was_found(ecg_site: Site, results: dict[str, Result], sent: Path) -> None:
    told = ecg_site.show_study(str(dcmread(sent).StudyInstanceUID))
    assert "First degree atrioventricular block" in told
    assert "Acute anterior myocardial infarction" in told
