"""Storage commitment: delivered is what the archive has committed itself to, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from deploy.node.database import Database, JobState
from deploy.node.outbox import deliverable_files_done, take_commitment_report
from deploy.node.send import read_report
from deploy.orthanc.server import find_orthanc, running_orthanc
from tests.deploy.node.archive import Archive
from tests.deploy.node.outbox.committing import CommittingArchive, ReportReceiver
from tests.deploy.node.outbox.waiting import Clock, Waiting, running, store_destination
from tests.waiting import until


@pytest.fixture
def waiting(database: Database, tmp_path: Path) -> Waiting:
    return Waiting(database, tmp_path)


def test_result_is_delivered_when_the_archive_has_committed_itself(waiting: Waiting) -> None:
    jobs = [waiting.add_job("pacs") for _ in range(2)]
    with CommittingArchive() as archive:
        config = store_destination(archive.port, storage_commitment=True)
        with running(waiting.queue("pacs", config)):
            until(lambda: waiting.is_delivered("pacs"))
            archive.wait_for_requests(2)
            until(lambda: archive.statuses == [0, 0])
        # Storing, asking and reporting: all over one association.
        assert archive.associations == 1
    assert archive.sop_instance_uids == waiting.uids("pacs")
    assert all(row.committed == row.delivered for row in waiting.deliveries())
    assert [waiting.state(job) for job in jobs] == [JobState.DELIVERED] * 2
    assert [event.text for event in waiting.events("committed")] == ["pacs has committed itself to 2 objects"] * 2


def test_nothing_is_delivered_without_a_report_and_it_is_asked_for_again(waiting: Waiting) -> None:
    job = waiting.add_job("pacs")
    clock = Clock()
    with CommittingArchive(reports=False) as archive:
        config = store_destination(archive.port, storage_commitment=True, commitment_seconds=600)
        queue = waiting.queue("pacs", config, clock=clock)
        while queue.deliver_due():
            continue
        assert len(archive.transactions) == 1
        for _ in range(3):
            clock.wait(601)
            assert queue.deliver_due()
            assert not queue.deliver_due()
        assert len(archive.transactions) == len(set(archive.transactions)) == 4
        assert not any(row.delivered for row in waiting.deliveries(job))
        assert waiting.state(job) is JobState.DELIVERING
        with waiting.database.read() as session:
            assert not deliverable_files_done(session, job)
        archive.reports = True
        clock.wait(601)
        assert queue.deliver_due()
        until(lambda: queue.linger() and waiting.is_delivered("pacs"))
        queue.close()
    # Each was stored once.
    assert archive.sop_instance_uids == waiting.uids("pacs")
    with waiting.database.read() as session:
        assert deliverable_files_done(session, job)


def test_what_the_archive_does_not_commit_itself_to_is_sent_again(waiting: Waiting) -> None:
    job = waiting.add_job("pacs", objects=3)
    lost = waiting.uids("pacs")[1]
    refusals = [0x0112]
    archive = CommittingArchive(judge=lambda uid: refusals.pop() if uid == lost and refusals else None)
    with archive:
        clock = Clock()
        queue = waiting.queue("pacs", store_destination(archive.port, storage_commitment=True), clock=clock)
        while queue.deliver_due():
            continue
        until(lambda: queue.linger() and bool(waiting.events("not-committed")))
        rows = waiting.deliveries(job)
        assert [row.committed is not None for row in rows] == [True, False, True]
        assert rows[1].status == "not committed: 0112 no such object instance; sent again"
        clock.wait(30)
        while queue.deliver_due():
            continue
        until(lambda: queue.linger() and waiting.state(job) is JobState.DELIVERED)
        queue.close()
    assert archive.sop_instance_uids == [*waiting.uids("pacs"), lost]
    assert len(archive.transactions) == 2


def test_what_is_stored_is_committed_beside_an_object_that_the_archive_refuses(waiting: Waiting) -> None:
    job = waiting.add_job("pacs", objects=3)
    refused = waiting.deliveries(job)[1].sop_instance_uid
    clock = Clock()
    with CommittingArchive() as archive:
        archive.answer = lambda dataset: 0xC000 if dataset.SOPInstanceUID == refused else 0
        config = store_destination(archive.port, storage_commitment=True, longest_retry_seconds=600)
        with running(waiting.queue("pacs", config, clock=clock)):
            until(lambda: [row.delivered is not None for row in waiting.deliveries(job)].count(True) == 2)
    assert [row.committed is not None for row in waiting.deliveries(job)] == [True, False, True]
    assert waiting.state(job) is JobState.DELIVERING


def test_archive_without_storage_commitment_is_told_of_and_asked_again(waiting: Waiting) -> None:
    job = waiting.add_job("pacs", objects=1)
    with Archive() as archive:
        queue = waiting.queue("pacs", store_destination(archive.port, storage_commitment=True))
        while queue.deliver_due():
            continue
        queue.close()
    (row,) = waiting.deliveries(job)
    assert (row.stored is not None, row.delivered) == (True, None)
    assert row.status == "refuses storage commitment: 0122 the SOP class is not supported"
    assert waiting.state(job) is JobState.DELIVERING
    assert "asked again later" in waiting.events("not-committed")[0].text


def test_report_on_an_unknown_transaction_changes_nothing(waiting: Waiting) -> None:
    job = waiting.add_job("pacs", objects=1)
    uid = waiting.uids("pacs")[0]
    assert not take_commitment_report(waiting.database, "2.25.1", {uid}, {})
    assert waiting.deliveries(job)[0].delivered is None


@pytest.mark.peer
def test_orthanc_commits_itself_over_an_association_of_its_own(waiting: Waiting, tmp_path: Path) -> None:
    if find_orthanc() is None:
        pytest.skip("Orthanc is not installed")
    jobs = [waiting.add_job("pacs") for _ in range(2)]

    def take(report: Dataset) -> int:
        read = read_report(report)
        return (
            0 if take_commitment_report(waiting.database, read.transaction_uid, read.committed, read.failed) else 0x0112
        )

    with (
        ReportReceiver(take) as node,
        running_orthanc(tmp_path / "orthanc", modalities={"gantry": ["GANTRY", "127.0.0.1", node.port]}) as orthanc,
    ):
        config = store_destination(orthanc.port, storage_commitment=True)
        with running(waiting.queue("pacs", config)):
            until(lambda: waiting.is_delivered("pacs"))
        for job in jobs:
            with waiting.database.read() as session:
                assert deliverable_files_done(session, job)
