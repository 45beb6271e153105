"""Images that come after the result: another result, which names the one that it replaces."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import Comprehensive3DSRStorage, SegmentationStorage

from deploy.node.database import Database, Delivery, Instance, Job, JobState
from deploy.node.jobs import claim
from deploy.node.replacing import fixed_replaces
from phantoms.mr_brain.dicom import BrainMRStudy
from tests.deploy.node.archive import Archive
from tests.deploy.node.node import Examination, Node
from tests.deploy.node.running_node import RunningNode
from tests.deploy.node.test_route import APP, app
from tests.deploy.node.verify.test_replaced import complaints


def test_the_second_result_names_the_first(tmp_path: Path, brain_study: BrainMRStudy) -> None:
    with Archive() as archive, RunningNode(tmp_path, archive) as node:
        node.send(*brain_study.series["T1"].paths)
        archive.wait_for(2)
        node.wait_for(lambda: node.jobs()[0].state is JobState.DELIVERED)
        node.send(*brain_study.series["FLAIR"].paths)
        archive.wait_for(4)
        node.wait_for(lambda: node.jobs()[-1].state is JobState.DELIVERED)
        assert node.stop() == 0
        first, second = node.jobs()
    assert (first.replaces_job_id, second.replaces_job_id) == (None, first.id)
    earlier, later = (by_class(archive.stored[start : start + 2]) for start in (0, 2))
    report = later[Comprehensive3DSRStorage]
    (study,) = report.PredecessorDocumentsSequence
    (series,) = study.ReferencedSeriesSequence
    (document,) = series.ReferencedSOPSequence
    predecessor = earlier[Comprehensive3DSRStorage]
    assert document.ReferencedSOPInstanceUID == predecessor.SOPInstanceUID
    assert series.SeriesInstanceUID == predecessor.SeriesInstanceUID
    assert study.StudyInstanceUID == predecessor.StudyInstanceUID
    (related,) = later[SegmentationStorage].RelatedSeriesSequence
    assert related.SeriesInstanceUID == earlier[SegmentationStorage].SeriesInstanceUID
    assert "PredecessorDocumentsSequence" not in predecessor
    for number, (before, after) in enumerate((earlier[kind], later[kind]) for kind in later):
        paths = [tmp_path / f"{number}-{when}.dcm" for when in ("before", "after")]
        for path, result in zip(paths, (before, after), strict=True):
            result.save_as(path, enforce_file_format=True)
        assert [line for line in complaints(paths[1]) if line.startswith("Error")] == []
        assert complaints(paths[1]) == complaints(paths[0])


def by_class(results: list[Dataset]) -> dict[str, Dataset]:
    return {result.SOPClassUID: result for result in results}


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path / "node", app())


def come(node: Node, examination: Examination, *names: str) -> list[Job]:
    """Images come and are decided over, one series after the other."""
    for name in names:
        node.receive(getattr(examination, name))
        node.wait(5)
        node.decide()
    return node.jobs()


def begin(node: Node) -> int | None:
    taken = claim(node.database, APP, owner="test", lease_seconds=60)
    return taken.job_id if taken is not None else None


def test_a_job_that_still_waits_is_not_run_for_nothing(node: Node, examination: Examination) -> None:
    first, second = come(node, examination, "t1", "flair")
    assert first.state is JobState.CANCELLED
    assert (second.state, second.replaces_job_id) == (JobState.QUEUED, first.id)
    assert node.study().outcome == "mr_white_matter_lesions: queued"
    assert begin(node) == second.id


def test_a_job_waits_for_the_one_that_it_replaces_and_names_its_results(node: Node, examination: Examination) -> None:
    (first,) = come(node, examination, "t1")
    assert begin(node) == first.id
    second = come(node, examination, "flair")[1]
    assert second.state is JobState.QUEUED
    assert begin(node) is None
    deliver(node.database, first, "report")
    taken = claim(node.database, APP, owner="test", lease_seconds=60)
    assert taken is not None
    (replaced,) = taken.replaces
    assert (taken.job_id, replaced.output, replaced.sop_instance_uid) == (second.id, "report", "2.25.1")


def test_what_comes_after_the_rest_is_deleted_replaces_nothing(node: Node, examination: Examination) -> None:
    come(node, examination, "t1")
    begin(node)
    with node.database.write() as session:
        session.query(Instance).delete()
    assert come(node, examination, "flair")[1].replaces_job_id is None


def test_what_a_job_replaces_is_fixed_when_it_begins(node: Node, examination: Examination) -> None:
    (first,) = come(node, examination, "t1")
    begin(node)
    deliver(node.database, first, "report")
    second = come(node, examination, "flair")[1]
    begin(node)
    with node.database.write() as session:
        session.add(delivery(first, "lesions", "2.25.2"))
    with node.database.write() as session:
        names = [result.output for result in fixed_replaces(session, session.get_one(Job, second.id))]
    assert names == ["report"]


def test_of_each_output_the_newest_is_named(node: Node, examination: Examination) -> None:
    """A job on the way that left less than the one before it does not hide what that one left."""
    (first,) = come(node, examination, "t1")
    second = come(node, examination, "flair")[1]
    with node.database.write() as session:
        session.add_all([delivery(first, "report", "2.25.1"), delivery(first, "lesions", "2.25.2")])
        session.add(delivery(second, "report", "2.25.3"))
        third = Job(
            study_instance_uid=first.study_instance_uid,
            app=APP,
            app_version="1.0.0",
            input_digest="third",
            sop_instance_uids=[],
            state=JobState.QUEUED,
            started=first.started,
            replaces_job_id=second.id,
        )
        session.add(third)
        session.flush()
        found = {result.output: result.sop_instance_uid for result in fixed_replaces(session, third)}
    assert found == {"report": "2.25.3", "lesions": "2.25.2"}


def delivery(job: Job, output: str, uid: str) -> Delivery:
    return Delivery(
        job_id=job.id,
        destination="pacs",
        sop_instance_uid=uid,
        sop_class_uid=Comprehensive3DSRStorage,
        path=f"{job.id}/{output}.dcm",
        not_before=job.started,
    )


def deliver(database: Database, job: Job, output: str) -> None:
    with database.write() as session:
        session.get_one(Job, job.id).state = JobState.DELIVERING
        session.add(delivery(job, output, "2.25.1"))
