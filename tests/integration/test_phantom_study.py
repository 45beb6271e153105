"""A simulated examination with FLAIR and T1 through the real app to a real archive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from pydicom import dcmread

from phantoms.mr_brain import BrainMRPhantom, BrainMRStudy, write_brain_mr
from tests.integration.sites import Result, Site, storescu
from tests.peers import dciodvfy_errors

pytestmark = [pytest.mark.peer, pytest.mark.slow, pytest.mark.timeout(900)]

IDENTIFIERS = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "IssuerOfPatientID",
    "StudyInstanceUID",
    "StudyID",
    "StudyDate",
    "AccessionNumber",
    "ReferringPhysicianName",
)


@dataclass(frozen=True)
class Delivered:
    """A simulated study and its results in the archive."""

    study: BrainMRStudy
    results: dict[str, Result]


@pytest.fixture(scope="module")
def delivered(site: Site, small_head: BrainMRPhantom, tmp_path_factory: pytest.TempPathFactory) -> Delivered:
    study = write_brain_mr(small_head, tmp_path_factory.mktemp("study"), uid_salt="test_phantom_study")
    send(site, study)
    site.wait_for_event(study.study_uid, "delivered")
    results = site.fetch(site.archive.instances(study.study_uid), tmp_path_factory.mktemp("results"))
    return Delivered(study, results)


def send(site: Site, study: BrainMRStudy) -> None:
    done = storescu(site.port, study.folder, options=("+sd", "+r"))
    assert done.returncode == 0, done.stderr


def test_results_arrive_with_the_identifiers_of_the_study(delivered: Delivered) -> None:
    modalities = sorted(result.dataset.Modality for result in delivered.results.values())
    assert modalities == ["OT", "SEG", "SEG", "SR"]
    source = dcmread(delivered.study.paths[0])
    for result in delivered.results.values():
        for keyword in IDENTIFIERS:
            assert result.dataset[keyword].value == source[keyword].value, keyword


def test_both_sequences_are_used(delivered: Delivered, site: Site) -> None:
    told = site.show_study(delivered.study.study_uid)
    assert "T2-FLAIR is 2 t2_flair_tra_3mm, T1-weighted is" in told
    report = delivered.results["White matter lesion report"].dataset
    series = {
        item.SeriesInstanceUID
        for evidence in report.CurrentRequestedProcedureEvidenceSequence
        for item in evidence.ReferencedSeriesSequence
    }
    assert {written.series_uid for written in delivered.study.series.values()} <= series


def test_validator_finds_no_error(delivered: Delivered) -> None:
    for name, result in delivered.results.items():
        assert dciodvfy_errors(result.path) == [], name


def test_same_study_again_gives_no_second_result(delivered: Delivered, site: Site, tmp_path: Path) -> None:
    before = held(site, delivered.study)
    arrivals = len(site.events("received"))
    send(site, delivered.study)
    site.wait_for(lambda: len(site.events("received")) > arrivals)
    site.wait_until_decided(tmp_path)
    assert "that were there already" in site.show_study(delivered.study.study_uid)
    (job,) = site.jobs(delivered.study.study_uid)
    assert job["state"] == "delivered"
    assert held(site, delivered.study) == before


def held(site: Site, study: BrainMRStudy) -> set[str]:
    """The SOP Instance UIDs that the archive holds of a study: its results, as it was not sent the images."""
    return {item.sop_instance_uid for item in site.archive.instances(study.study_uid)}
