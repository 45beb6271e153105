"""Bad input and bad apps at a running node: each has a visible outcome with its reason, and nothing else stops."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.orthanc.server import Orthanc
from phantoms.faults import drop_slice, set_attributes, truncate_file
from phantoms.identity import patient_of
from phantoms.mr_brain import BrainMRPhantom, BrainMRStudy, write_brain_mr, write_localizer
from tests.deploy.node.sending import send_unchanged, write_file
from tests.integration import unruly_app
from tests.integration.sites import APP, Site, running_site, storescu

pytestmark = pytest.mark.peer

# Far more than the small app needs, even on a machine with much else to do.
TIMEOUT_SECONDS = 12.0


@pytest.fixture(scope="module")
def node(pacs: Orthanc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A node with an app that goes wrong on request, for all tests of this file: they show that it goes on."""
    with running_site(
        tmp_path_factory.mktemp("node"),
        pacs,
        command=("-m", "tests.integration.unruly_node"),
        maximum_wait_seconds=2.0,
        maximum_attempts=1,
        timeout_seconds=TIMEOUT_SECONDS,
    ) as running:
        yield running


@pytest.fixture
def good_study(small_head: BrainMRPhantom, tmp_path: Path) -> BrainMRStudy:
    """A study that is to be analysed whatever else the node is sent."""
    return write_brain_mr(small_head, tmp_path / "good", sequences=("FLAIR",), uid_salt=f"good {tmp_path}")


def bad_study(head: BrainMRPhantom, folder: Path, *, patient_id: str = "BAD") -> BrainMRStudy:
    patient = dataclasses.replace(patient_of(head.seed), patient_id=patient_id)
    return write_brain_mr(head, folder / "bad", sequences=("FLAIR",), uid_salt=f"bad {folder}", patient=patient)


def send(node: Site, study: BrainMRStudy) -> None:
    done = storescu(node.port, study.folder, options=("+sd", "+r"))
    assert done.returncode == 0, done.stderr


def assert_analysed(node: Site, study: BrainMRStudy) -> None:
    node.wait_for_series(study.study_uid, "SEG", "SR")
    node.wait_for_event(study.study_uid, "delivered")


def test_file_that_is_not_dicom_is_left_out_by_the_sender(node: Site, good_study: BrainMRStudy) -> None:
    (good_study.folder / "notes.dcm").write_text("not a DICOM file at all")
    done = storescu(node.port, good_study.folder, options=("+sd", "+r", "-nh"))
    assert "notes.dcm" in done.stdout + done.stderr
    assert_analysed(node, good_study)


def test_bytes_that_are_no_data_set_are_refused_with_a_reason(
    node: Site, good_study: BrainMRStudy, tmp_path: Path
) -> None:
    uid = f"{good_study.study_uid}.1"[:64]
    garbage = write_file(tmp_path / "garbage.dcm", b"\x12\x34" * 500, sop_instance_uid=uid)
    (answer,) = send_unchanged(node.port, [garbage])
    assert answer.Status == 0xC000
    assert "data set" in answer.ErrorComment
    told = f"refused {uid} from SCANNER with status 0xC000: "
    node.wait_for(lambda: any(event["text"].startswith(told) for event in node.events("instance-refused")))
    send(node, good_study)
    assert_analysed(node, good_study)


def test_truncated_instance_is_told_in_the_study(
    node: Site, good_study: BrainMRStudy, small_head: BrainMRPhantom, tmp_path: Path
) -> None:
    study = bad_study(small_head, tmp_path)
    truncate_file(study.paths[7])
    answers = send_unchanged(node.port, study.paths)
    assert {answer.Status for answer in answers} == {0x0000}
    send(node, good_study)
    assert_refused(node, study, "truncated-pixel-data", "Pixel data is shorter than the header says")
    assert_analysed(node, good_study)


def test_missing_slice_is_told_in_the_study(
    node: Site, good_study: BrainMRStudy, small_head: BrainMRPhantom, tmp_path: Path
) -> None:
    study = bad_study(small_head, tmp_path)
    drop_slice(study.paths, 5)
    send(node, study)
    send(node, good_study)
    # It waits for the slice, and meanwhile analyses the other study.
    assert_analysed(node, good_study)
    assert_refused(node, study, "missing-slice", "A slice is missing")
    (waited,) = (event["text"] for event in node.events("waiting") if event["study"] == study.study_uid)
    assert "waits for more images" in waited
    assert waited.endswith("lacks 1 slice")


def test_head_without_a_suitable_series_is_told_in_the_study(
    node: Site, good_study: BrainMRStudy, small_head: BrainMRPhantom, tmp_path: Path
) -> None:
    study = bad_study(small_head, tmp_path)
    for path in study.paths:
        path.unlink()
    write_localizer(study)
    send(node, study)
    send(node, good_study)
    told = assert_refused(node, study, "no-suitable-series", "No suitable series in the study")
    assert "a localizer" in told
    assert_analysed(node, good_study)


def test_study_that_concerns_no_app_has_an_outcome(
    node: Site, good_study: BrainMRStudy, small_head: BrainMRPhantom, tmp_path: Path
) -> None:
    study = bad_study(small_head, tmp_path)
    set_attributes(study.paths, BodyPartExamined="KNEE")
    send(node, study)
    send(node, good_study)
    assert_analysed(node, good_study)
    node.wait_for_event(study.study_uid, "not-analysed")
    told = node.show_study(study.study_uid)
    assert "not analysed: no application accepts the study" in told
    assert f"{APP} accepts" in told
    assert node.jobs(study.study_uid) == []
    assert node.archive.series_modalities(study.study_uid) == []


@pytest.mark.parametrize(
    ("behaviour", "reason", "detail"),
    [
        (unruly_app.RAISE, "raised", "ValueError: the app's own mistake"),
        (unruly_app.KILL, "crashed", "killed by SIGKILL"),
        (unruly_app.SEGFAULT, "crashed", "killed by SIGSEGV"),
        (unruly_app.HANG, "timed-out", f"no result within {TIMEOUT_SECONDS:g} s"),
    ],
)
def test_app_that_goes_wrong_fails_its_own_job_only(
    node: Site,
    good_study: BrainMRStudy,
    small_head: BrainMRPhantom,
    tmp_path: Path,
    behaviour: str,
    reason: str,
    detail: str,
) -> None:
    study = bad_study(small_head, tmp_path, patient_id=behaviour)
    send(node, study)
    send(node, good_study)
    job = node.wait_for_job(study.study_uid, "failed")
    assert job["reason"] == reason
    assert detail in node.gantry("jobs", "show", job["job"])
    outcome = node.show_study(study.study_uid)
    assert "not analysed: " in outcome
    assert detail in outcome
    assert node.archive.series_modalities(study.study_uid) == []
    assert_analysed(node, good_study)


def assert_refused(node: Site, study: BrainMRStudy, reason: str, meaning: str) -> str:
    """The job says why, and so does a report in the study itself; return what ``gantry studies show`` tells."""
    job = node.wait_for_job(study.study_uid, "refused")
    assert job["reason"] == reason
    assert job["detail"]
    assert job["detail"] in node.gantry("jobs", "show", job["job"])
    (report,) = node.fetch(node.archive.instances(study.study_uid), study.folder).values()
    assert report.dataset.Modality == "SR"
    assert report.dataset.PatientID == "BAD"
    assert meaning in str(report.dataset)
    told = node.show_study(study.study_uid)
    assert f"not analysed: {meaning}: {job['detail']}" in told
    return told
