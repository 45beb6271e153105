from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID

from apps.run import analysis_of, app_manifest
from deploy.node.config import AppConfig, DestinationConfig, NodeConfig
from deploy.node.database import JobState
from deploy.node.readiness import ReadyStudy
from deploy.node.route import RoutedApp, route_study, routed_apps
from operators.provenance import MANUFACTURER
from operators.read.selection import select_series
from operators.read.study import read_study
from phantoms.faults import set_attributes
from phantoms.identity import save, set_instance_uid
from tests.deploy.node.node import Examination, Node, uids_of
from tests.deploy.node.sending import STUDY, encoded, instance, write_file

APP = "mr_white_matter_lesions"


def app(**settings: float) -> dict[str, RoutedApp]:
    manifest = app_manifest(APP)
    return {APP: RoutedApp(manifest, {**manifest.settings, **settings})}


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path / "node", app())


def decided(node: Node) -> tuple[int, ...]:
    node.wait(5)
    return node.decide()


def copies(paths: tuple[Path, ...], folder: Path) -> tuple[Path, ...]:
    folder.mkdir()
    found = tuple(folder / f"{number}.dcm" for number in range(len(paths)))
    for path, copy in zip(paths, found, strict=True):
        copy.write_bytes(path.read_bytes())
    return found


def test_the_site_settings_are_merged_into_the_apps() -> None:
    config = NodeConfig(
        destinations={"pacs": DestinationConfig(ae_title="P", host="h", port=1)},
        apps={APP: AppConfig(destinations=("pacs",), settings={"minimum_lesion_volume_mm3": 3})},
    )
    assert routed_apps(config)[APP].settings == {
        **app_manifest(APP).settings,
        "minimum_lesion_volume_mm3": 3.0,
    }


def test_a_study_becomes_a_job_on_the_chosen_series(node: Node, examination: Examination, tmp_path: Path) -> None:
    other = copies(examination.t1, tmp_path / "contrast")
    set_attributes(other, SeriesInstanceUID="2.25.1", ContrastBolusAgent="Gadobutrol", SeriesNumber=9)
    for path in other:
        image = dcmread(path)
        set_instance_uid(image, UID(f"2.25.1.{image.InstanceNumber}"))
        save(image, path)
    node.receive([*examination.paths, *other])
    (number,) = decided(node)
    (job,) = node.jobs()
    assert (job.id, job.app, job.state) == (number, APP, JobState.QUEUED)
    assert job.app_version == app_manifest(APP).application.version
    assert set(job.sop_instance_uids) == uids_of(examination.paths)
    (event,) = node.events("selected")
    decisions = event.data["decisions"]
    assert isinstance(decisions, list)
    assert len(decisions) == 6
    (contrast,) = [one for one in decisions if one["series_instance_uid"] == "2.25.1" and one["role"] == "t1"]
    assert not contrast["chosen"]
    assert "contrast agent given" in contrast["reason"]
    assert node.study().decided is not None


def test_the_digest_is_the_one_of_the_apps_own_run(node: Node, examination: Examination, tmp_path: Path) -> None:
    """An app sees the job's instances only, and must come to the same identifiers."""
    node.receive(examination.paths)
    decided(node)
    (job,) = node.jobs()
    seen = read_study(path for path in examination.paths if uids_of([path]) <= set(job.sop_instance_uids))
    manifest = app_manifest(APP)
    analysis = analysis_of(
        manifest, seen, select_series(seen, manifest), settings=manifest.settings, started=datetime.now(timezone.utc)
    )
    assert job.input_digest == analysis.input_digest


def test_the_same_study_again_makes_no_second_job(node: Node, examination: Examination) -> None:
    node.receive(examination.flair)
    assert len(decided(node)) == 1
    node.receive(examination.flair)
    assert decided(node) == ()
    assert len(node.jobs()) == 1


def test_more_images_that_change_no_input_make_no_second_job(
    node: Node, examination: Examination, tmp_path: Path
) -> None:
    node.receive(examination.flair)
    decided(node)
    localizer = copies(examination.flair[:1], tmp_path / "localizer")
    set_attributes(localizer, SeriesInstanceUID="2.25.5", SOPInstanceUID="2.25.5.1", ImageType=["LOCALIZER"])
    node.receive(localizer)
    assert node.study().decided is None
    assert decided(node) == ()
    (event,) = node.events("same-input")
    assert "no second" in event.text
    assert event.job_id == node.jobs()[0].id


def test_a_series_that_comes_later_makes_a_new_job(node: Node, examination: Examination) -> None:
    node.receive(examination.t1)
    decided(node)
    node.receive(examination.flair)
    decided(node)
    first, second = node.jobs()
    assert set(first.sop_instance_uids) == uids_of(examination.t1)
    assert set(second.sop_instance_uids) == uids_of(examination.paths)
    assert first.input_digest != second.input_digest


def test_other_settings_are_another_input(examination: Examination, tmp_path: Path) -> None:
    digests = []
    for volume in (0.0, 5.0):
        node = Node(tmp_path / str(volume), app(minimum_lesion_volume_mm3=volume))
        node.receive(examination.flair)
        decided(node)
        digests.append(node.jobs()[0].input_digest)
    assert digests[0] != digests[1]


def test_an_accepted_study_without_a_suitable_series_becomes_a_job_on_all_of_it(
    node: Node, examination: Examination, tmp_path: Path
) -> None:
    files = copies(examination.flair, tmp_path / "contrast")
    set_attributes(files, ContrastBolusAgent="Gadobutrol")
    node.receive(files)
    assert len(decided(node)) == 1
    assert set(node.jobs()[0].sop_instance_uids) == uids_of(files)
    assert "no series for T2-FLAIR or T1-weighted" in node.events("selected")[0].text


def test_own_results_that_come_back_are_no_input(node: Node, examination: Examination, tmp_path: Path) -> None:
    files = copies(examination.flair, tmp_path / "contrast")
    set_attributes(files, ContrastBolusAgent="Gadobutrol")
    node.receive(files)
    decided(node)
    purpose = Dataset()
    purpose.CodeValue, purpose.CodingSchemeDesignator, purpose.CodeMeaning = "109102", "DCM", "Processing Equipment"
    equipment = Dataset()
    equipment.PurposeOfReferenceCodeSequence = [purpose]
    result = copies(examination.flair[:1], tmp_path / "result")
    set_attributes(
        result,
        SeriesInstanceUID="2.25.7",
        SOPInstanceUID="2.25.7.1",
        Manufacturer=MANUFACTURER,
        ContributingEquipmentSequence=[equipment],
    )
    node.receive(result)
    assert decided(node) == ()
    assert len(node.jobs()) == 1
    assert "not analysed" not in node.study().outcome


def test_a_study_that_no_app_accepts_has_an_outcome_that_says_so(node: Node, tmp_path: Path) -> None:
    image = instance(Modality="CT", SeriesDescription="Chest")
    node.receive([write_file(tmp_path / "1.dcm", encoded(image), sop_instance_uid=f"{STUDY}.1.1")])
    assert decided(node) == ()
    study = node.study()
    assert study.decided is not None
    assert study.outcome.startswith("not analysed: no application accepts")
    assert "Chest (CT)" in study.outcome
    assert 'Modality == "MR"' in study.outcome
    assert node.events("not-analysed")[0].text == study.outcome


def test_a_study_that_cannot_be_read_has_an_outcome_with_the_reason(node: Node, tmp_path: Path) -> None:
    node.receive(
        write_file(
            tmp_path / f"{number}.dcm",
            encoded(instance(number, PatientID=f"P{number}")),
            sop_instance_uid=f"{STUDY}.1.{number}",
        )
        for number in (1, 2)
    )
    assert decided(node) == ()
    assert node.study().outcome.startswith("not analysed: Instances of several patients")


def test_a_node_without_apps_says_so(examination: Examination, tmp_path: Path) -> None:
    node = Node(tmp_path / "node", {})
    node.receive(examination.flair)
    decided(node)
    assert node.study().outcome == "not analysed: no application is configured"


def test_an_instance_whose_header_breaks_off_is_left_out_and_told(
    node: Node, examination: Examination, tmp_path: Path
) -> None:
    whole = encoded(instance(1, study=examination.uid, PatientID=examination.patient_id))
    # A length in the middle of the header that points beyond the end.
    rows = whole.index(b"\x28\x00\x10\x00")
    broken = whole[:rows] + b"\x28\x00\x10\x00US\xff\xff" + whole[rows + 8 : rows + 20]
    node.receive(examination.flair)
    node.receive([write_file(tmp_path / "1.dcm", broken, sop_instance_uid=f"{examination.uid}.1.1")])
    assert len(decided(node)) == 1
    assert set(node.jobs()[0].sop_instance_uids) == uids_of(examination.flair)


def test_an_image_that_comes_while_deciding_wins(node: Node, examination: Examination) -> None:
    """Between the look at the files and the decision another image may arrive: it must not be left out."""
    node.receive(examination.t1)
    node.wait(5)
    (ready,) = node.readiness.ready_studies()
    node.receive(examination.flair)
    assert route_study(node.database, ready, node.apps) == ()
    assert node.jobs() == []
    assert node.study().decided is None
    assert len(decided(node)) == 1
    assert set(node.jobs()[0].sop_instance_uids) == uids_of(examination.paths)


def test_a_decision_is_made_once(node: Node, examination: Examination) -> None:
    node.receive(examination.flair)
    node.wait(5)
    (ready,) = node.readiness.ready_studies()
    assert len(route_study(node.database, ready, node.apps)) == 1
    assert route_study(node.database, replace(ready), node.apps) == ()
    assert isinstance(ready, ReadyStudy)
    assert node.readiness.ready_studies() == ()
    assert len(node.events("ready")) == 1
