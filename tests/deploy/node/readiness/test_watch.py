from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from apps.run import app_manifest
from deploy.node.database import Study as StudyRow
from deploy.node.route import RoutedApp
from operators.read.study import Study, read_study
from operators.refused import Reason
from tests.deploy.node.node import Examination, Node
from tests.deploy.node.sending import STUDY, encoded, instance, write_file

APP = "mr_white_matter_lesions"


@pytest.fixture
def node(tmp_path: Path) -> Node:
    manifest = app_manifest(APP)
    return Node(tmp_path / "node", {APP: RoutedApp(manifest, manifest.settings)})


def test_a_study_is_ready_when_it_is_quiet(node: Node, examination: Examination) -> None:
    node.receive(examination.flair)
    assert node.readiness.ready_studies() == ()
    node.wait(5)
    (ready,) = node.readiness.ready_studies()
    assert ready.study_instance_uid == examination.uid
    assert ready.contents.refused is None
    assert ready.contents.study is not None
    assert len(ready.contents.study.instances) == len(examination.flair)


def test_an_open_association_keeps_a_study_waiting(node: Node, examination: Examination) -> None:
    node.receive(examination.flair)
    node.receiving.add(examination.uid)
    node.wait(119)
    assert node.readiness.ready_studies() == ()
    node.receiving.clear()
    assert len(node.readiness.ready_studies()) == 1


def test_an_association_that_never_ends_is_not_waited_for_for_ever(node: Node, examination: Examination) -> None:
    node.receive(examination.flair)
    node.receiving.add(examination.uid)
    node.wait(121)
    (ready,) = node.readiness.ready_studies()
    assert "though its association is still open" in ready.apps[APP].why


def test_a_later_image_starts_the_quiet_time_again(node: Node, examination: Examination) -> None:
    node.receive(examination.flair[:-1])
    node.wait(4)
    assert node.readiness.ready_studies() == ()
    # Seen from its arrival, as the clock of the test does not move the receiver's.
    node.wait(-4)
    node.receive(examination.flair[-1:])
    node.wait(4.5)
    assert node.readiness.ready_studies() == ()
    node.wait(0.6)
    assert len(node.readiness.ready_studies()) == 1


def test_a_missing_slice_is_waited_for_and_comes(node: Node, examination: Examination) -> None:
    missing = examination.flair[4]
    node.receive(path for path in examination.flair if path != missing)
    node.wait(10)
    assert node.readiness.ready_studies() == ()
    assert node.readiness.ready_studies() == ()
    (event,) = node.events("waiting")
    assert "lacks 1 slice" in event.text
    assert "flair" in event.text
    node.receive([missing])
    node.wait(5)
    (ready,) = node.readiness.ready_studies()
    assert ready.contents.study is not None
    assert len(ready.contents.study.instances) == len(examination.flair)


def test_a_slice_that_never_comes_is_not_waited_for_for_ever(node: Node, examination: Examination) -> None:
    missing = examination.flair[4]
    node.receive(path for path in examination.flair if path != missing)
    node.wait(119)
    assert node.readiness.ready_studies() == ()
    node.wait(2)
    (ready,) = node.readiness.ready_studies()
    assert "lacks 1 slice" in ready.apps[APP].why


def test_a_series_that_no_app_takes_may_lack_slices(node: Node, examination: Examination, tmp_path: Path) -> None:
    gap = [1, 2, 3, 7, 8, 9]
    others = [
        write_file(
            tmp_path / f"{number}.dcm",
            encoded(
                instance(
                    number,
                    series=9,
                    study=examination.uid,
                    PatientID=examination.patient_id,
                    FrameOfReferenceUID="1.2.3",
                    ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
                    ImagePositionPatient=[0, 0, 5 * number],
                    PixelSpacing=[1, 1],
                )
            ),
            sop_instance_uid=f"{examination.uid}.9.{number}",
        )
        for number in gap
    ]
    node.receive([*examination.flair, *others])
    node.wait(5)
    assert len(node.readiness.ready_studies()) == 1


def test_a_study_that_cannot_be_read_is_ready_with_the_reason(node: Node, tmp_path: Path) -> None:
    node.receive(
        write_file(
            tmp_path / f"{number}.dcm",
            encoded(instance(number, PatientID=f"P{number}")),
            sop_instance_uid=f"{STUDY}.1.{number}",
        )
        for number in (1, 2)
    )
    node.wait(5)
    (ready,) = node.readiness.ready_studies()
    assert ready.contents.study is None
    assert ready.contents.refused is not None
    assert ready.contents.refused.reason is Reason.SEVERAL_PATIENTS


def test_trouble_with_one_study_stops_no_other_and_is_tried_again(
    node: Node, examination: Examination, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.receive(examination.flair)
    node.receive([write_file(tmp_path / "1.dcm", encoded(instance()), sop_instance_uid=f"{STUDY}.1.1")])
    node.wait(5)

    def fail_once(files: Iterable[Path]) -> Study:
        paths = list(files)
        if STUDY in str(paths[0]):
            raise MemoryError("no memory")
        return read_study(paths)

    with monkeypatch.context() as patched:
        patched.setattr("deploy.node.readiness.contents.read_study", fail_once)
        assert len(node.decide()) == 1
        assert node.decide() == ()
    (event,) = node.events("decision-failed")
    assert event.study_instance_uid == STUDY
    with node.database.read() as session:
        assert session.get_one(StudyRow, STUDY).outcome.startswith("not analysed yet: MemoryError: no memory")
    assert node.decide() == ()
    node.wait(10)
    assert len(node.decide()) == 1


def test_time_in_which_the_node_was_away_does_not_count(node: Node, examination: Examination, tmp_path: Path) -> None:
    node.receive(examination.flair)
    back = Node(tmp_path / "node", node.apps, now=node.now + timedelta(hours=1), listens=False)
    assert back.readiness.ready_studies() == ()
    # Its receivers are still being started.
    back.wait(20)
    assert back.readiness.ready_studies() == ()
    back.listens = True
    assert back.readiness.ready_studies() == ()
    back.wait(4.9)
    assert back.readiness.ready_studies() == ()
    back.wait(0.1)
    assert len(back.readiness.ready_studies()) == 1
