"""Each app decides by itself, and what peers tell counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from apps.run import app_manifest
from deploy.node.config import ReadinessConfig
from deploy.node.database import AppDecision, AvailableInstances, Database, ProcedureStep, Sender
from deploy.node.events import record
from deploy.node.readiness.contents import Contents, read_contents
from deploy.node.routed_app import RoutedApp
from deploy.node.spool import Spool
from phantoms.faults import set_attributes
from tests.deploy.node.node import Examination, Node, uids_of
from tests.deploy.node.test_route import copies

APP = "mr_white_matter_lesions"
PATIENT = "patient_app"


def app(name: str = APP, readiness: ReadinessConfig | None = None, stat_when: str | None = None) -> RoutedApp:
    """The app under another name, which makes it another algorithm."""
    manifest = app_manifest(APP)
    manifest = manifest.model_copy(update={"application": manifest.application.model_copy(update={"name": name})})
    return RoutedApp(manifest, manifest.settings, readiness, stat_when)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path / "node", {APP: app()})


@pytest.fixture
def two(tmp_path: Path) -> Node:
    slow = ReadinessConfig(quiet_seconds=20, longest_quiet_seconds=60, maximum_wait_seconds=120)
    return Node(tmp_path / "node", {APP: app(), PATIENT: app(PATIENT, slow)})


def tell_step(node: Node, examination: Examination, status: str, paths: tuple[Path, ...], priority: str = "") -> None:
    with node.database.write() as session:
        session.merge(
            ProcedureStep(
                sop_instance_uid="2.25.99",
                study_instance_uid=examination.uid,
                status=status,
                priority=priority,
                sop_instance_uids=sorted(uids_of(paths)) if paths else [],
                updated=datetime.now(timezone.utc),
            )
        )


def test_one_app_begins_while_another_waits(two: Node, examination: Examination) -> None:
    two.receive(examination.flair)
    two.wait(5)
    assert len(two.decide()) == 1
    assert two.study().decided is None
    assert two.decide() == ()
    two.wait(15)
    assert len(two.decide()) == 1
    assert [job.app for job in two.jobs()] == [APP, PATIENT]
    assert two.study().decided is not None
    first, second = two.events("ready")
    assert (first.data["app"], second.data["app"]) == (APP, PATIENT)
    assert second.text.startswith(f"{PATIENT}: no image for 20.")
    evidence = first.data["evidence"]
    assert isinstance(evidence, dict)
    assert 5.0 <= evidence["quiet"] < 20.0
    assert (evidence["received"], evidence["quiet_needed"]) == (len(examination.flair), 5.0)


@pytest.mark.parametrize(
    ("node_wide", "own", "needed"),
    [(5, None, 0.2), (0.1, None, 0.1), (5, ReadinessConfig(quiet_seconds=20), 20.0)],
)
def test_an_app_of_one_object_waits_less_unless_the_site_wants_it_to_wait(
    examination: Examination, tmp_path: Path, node_wide: float, own: ReadinessConfig | None, needed: float
) -> None:
    quick = app(PATIENT, own)
    quick = replace(quick, manifest=quick.manifest.model_copy(update={"quiet_seconds": 0.2}))
    node = Node(tmp_path / "node", {PATIENT: quick}, config=ReadinessConfig(quiet_seconds=node_wide))
    node.receive(examination.flair)
    node.wait(needed - 0.05)
    assert node.decide() == ()
    node.wait(0.05)
    assert len(node.decide()) == 1
    evidence = node.events("ready")[0].data["evidence"]
    assert isinstance(evidence, dict)
    assert evidence["quiet_needed"] == needed


@pytest.mark.parametrize(("own", "jobs"), [(None, 1), (ReadinessConfig(quiet_seconds=0.2), 0)])
def test_an_app_of_one_object_minds_no_pauses_of_its_sender_unless_the_site_has_set_its_readiness(
    examination: Examination, tmp_path: Path, own: ReadinessConfig | None, jobs: int
) -> None:
    quick = app(PATIENT, own)
    quick = replace(quick, manifest=quick.manifest.model_copy(update={"quiet_seconds": 0.2}))
    node = Node(tmp_path / "node", {PATIENT: quick})
    with node.database.write() as session:
        session.add(Sender(calling_ae_title="SCANNER", pauses=[20.0], updated=datetime.now(timezone.utc)))
    node.receive(examination.flair)
    node.wait(1)
    assert len(node.decide()) == jobs


def test_an_app_that_is_taken_out_is_not_waited_for(two: Node, examination: Examination) -> None:
    two.receive(examination.flair)
    two.wait(5)
    two.decide()
    back = Node(two.folder, {APP: two.apps[APP]})
    back.wait(5)
    assert back.decide() == ()
    assert back.study().decided is not None
    assert len(back.jobs()) == 1


def test_a_late_image_makes_every_app_decide_again(two: Node, examination: Examination) -> None:
    two.receive(examination.t1)
    two.wait(5)
    two.decide()
    two.receive(examination.flair)
    two.wait(20)
    assert len(two.decide()) == 2
    with two.database.read() as session:
        assert {row.revision for row in session.query(AppDecision)} == {two.study().revision}
    waiting, late, other = two.jobs()
    assert (waiting.app, late.app, other.app) == (APP, APP, PATIENT)
    assert (late.replaces_job_id, other.replaces_job_id) == (waiting.id, None)


def test_what_one_app_lacks_does_not_delay_another(tmp_path: Path, examination: Examination) -> None:
    unconcerned = app(PATIENT)
    manifest = unconcerned.manifest.model_copy(update={"accepts": 'Modality == "CT"'})
    node = Node(tmp_path / "node", {APP: app(), PATIENT: replace(unconcerned, manifest=manifest)})
    node.receive(path for path in examination.flair if path != examination.flair[4])
    node.wait(5)
    (ready,) = node.readiness.ready_studies()
    assert (set(ready.apps), ready.waiting) == ({PATIENT}, (APP,))
    assert node.decide() == ()
    (event,) = node.events("waiting")
    assert event.data["app"] == APP
    assert "lacks 1 slice" in event.text
    node.wait(116)
    assert len(node.decide()) == 1


def test_a_completed_procedure_step_whose_images_are_here_needs_no_quiet_time(
    node: Node, examination: Examination
) -> None:
    node.receive(examination.paths)
    tell_step(node, examination, "COMPLETED", examination.paths)
    node.receiving.add(examination.uid)
    node.wait(1)
    assert len(node.decide()) == 1
    assert f"all {len(examination.paths)} images that a performed procedure step lists" in node.events("ready")[0].text


def test_a_procedure_step_that_lists_more_or_goes_on_is_waited_for(node: Node, examination: Examination) -> None:
    node.receive(examination.flair)
    tell_step(node, examination, "IN PROGRESS", ())
    node.wait(60)
    assert node.decide() == ()
    tell_step(node, examination, "COMPLETED", examination.paths)
    assert node.decide() == ()
    assert [event.text.split(": ")[1] for event in node.events("waiting")] == [
        "a performed procedure step is in progress",
        f"{len(examination.t1)} of the {len(examination.paths)} images that a performed procedure step lists "
        "are not here",
    ]
    node.wait(-60)
    node.receive(examination.t1)
    node.wait(1)
    assert len(node.decide()) == 1


def test_what_is_announced_and_never_comes_is_not_waited_for_for_ever(node: Node, examination: Examination) -> None:
    node.receive(examination.flair)
    with node.database.write() as session:
        session.add(
            AvailableInstances(
                sop_instance_uid="2.25.98",
                study_instance_uid=examination.uid,
                sop_instance_uids=["2.25.1"],
                updated=datetime.now(timezone.utc),
            )
        )
    node.wait(119)
    assert node.decide() == ()
    node.wait(2)
    assert len(node.decide()) == 1
    assert "though 1 of the 1 images that a notification" in node.events("ready")[0].text


def test_a_number_in_the_headers_is_believed(node: Node, examination: Examination, tmp_path: Path) -> None:
    files = copies(examination.flair, tmp_path / "flair")
    set_attributes(files, NumberOfStudyRelatedInstances=len(examination.flair))
    node.receive(files[:-1])
    node.wait(6)
    assert node.decide() == ()
    node.wait(-6)
    node.receive(files[-1:])
    node.wait(1)
    assert len(node.decide()) == 1
    assert node.study().expected_instances == len(files)


def test_images_of_an_acquisition_that_are_absent_are_waited_for(
    node: Node, examination: Examination, tmp_path: Path
) -> None:
    """Slices that are absent at the end leave no gap: only the count of the acquisition tells."""
    files = copies(examination.flair[:-2], tmp_path / "flair")
    set_attributes(files, ImagesInAcquisition=len(examination.flair))
    node.receive(files)
    node.wait(10)
    assert node.decide() == ()
    assert "lacks 2 of the images that its acquisition resulted in" in node.events("waiting")[0].text


def test_a_sender_that_broke_off_is_given_time_to_send_the_rest(node: Node, examination: Examination) -> None:
    node.receive(examination.flair)
    with node.database.write() as session:
        record(session, "received", "", study=examination.uid, ending="lost the connection", sent_all=False)
    node.wait(59)
    assert node.decide() == ()
    with node.database.write() as session:
        record(session, "received", "", study=examination.uid, ending="released the association", sent_all=True)
    assert len(node.decide()) == 1
    assert "since the sender released the association" in node.events("ready")[0].text


@pytest.mark.parametrize(("ending", "seconds"), [("aborted the association", 60), ("released the association", 5)])
def test_events_of_an_older_version_tell_by_their_words_whether_all_was_sent(
    node: Node, examination: Examination, ending: str, seconds: float
) -> None:
    node.receive(examination.flair)
    with node.database.write() as session:
        record(session, "received", "", study=examination.uid, ending=ending)
    node.wait(seconds - 1)
    assert node.decide() == ()
    node.wait(2)
    assert len(node.decide()) == 1


def test_the_quiet_time_of_a_sender_that_pauses_is_learned(node: Node, examination: Examination) -> None:
    node.receive(examination.t1)
    node.wait(5)
    node.decide()
    with node.database.write() as session:
        (sender,) = session.query(Sender)
        assert sender.calling_ae_title == "SCANNER"
        assert len(sender.pauses) == 1
        sender.pauses = [10.0]
    node.wait(-5)
    node.receive(examination.flair)
    node.wait(14)
    assert node.decide() == ()
    node.wait(1.5)
    assert len(node.decide()) == 1


def test_headers_are_read_once_for_each_set_of_images(
    node: Node, examination: Examination, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []

    def counted(database: Database, spool: Spool, uid: str, apps: Mapping[str, RoutedApp]) -> Contents:
        reads.append(uid)
        return read_contents(database, spool, uid, apps)

    monkeypatch.setattr("deploy.node.readiness.watch.read_contents", counted)
    node.receive(examination.flair[:-1])
    node.receiving.add(examination.uid)
    for _ in range(5):
        node.wait(0.1)
        node.decide()
    assert reads == []
    for _ in range(5):
        node.wait(2)
        node.decide()
    assert len(reads) == 1


@pytest.mark.parametrize("priority", ["STAT", "HIGH"])
def test_a_job_is_stat_by_the_procedure_step(node: Node, examination: Examination, priority: str) -> None:
    node.receive(examination.flair)
    tell_step(node, examination, "COMPLETED", examination.flair, priority)
    node.wait(5)
    node.decide()
    (job,) = node.jobs()
    assert job.stat
    assert f"STAT, as its Requested Procedure Priority is {priority}" in node.events("queued")[0].text


def test_a_job_is_stat_by_the_header(node: Node, examination: Examination, tmp_path: Path) -> None:
    files = copies(examination.flair, tmp_path / "flair")
    set_attributes(files, RequestedProcedurePriority="STAT")
    node.receive(files)
    node.wait(5)
    node.decide()
    assert node.jobs()[0].stat


def test_a_job_is_stat_by_the_rule(tmp_path: Path, examination: Examination) -> None:
    rules = {APP: 'Modality == "MR" && EchoTime > 50.0', PATIENT: 'StationName == "ER"'}
    node = Node(tmp_path / "node", {name: app(name, stat_when=rule) for name, rule in rules.items()})
    node.receive(examination.flair)
    node.wait(5)
    node.decide()
    assert {job.app: job.stat for job in node.jobs()} == {APP: True, PATIENT: False}
    assert "EchoTime 120" in node.events("queued")[0].text
