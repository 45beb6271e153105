"""The outbox against archives that are well, slow, down, or refuse."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, RLELossless, WaveformAnnotationSRStorage
from sqlalchemy import select

from deploy.node.database import Database, Event, JobState
from deploy.node.outbox import DestinationQueue, hold_unaddressed
from deploy.orthanc.server import find_orthanc, running_orthanc
from tests.deploy.node.archive import Archive
from tests.deploy.node.outbox.waiting import Clock, Waiting, running, store_destination
from tests.waiting import until

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


@pytest.fixture
def outbox(database: Database, tmp_path: Path) -> Waiting:
    return Waiting(database, tmp_path)


def queue_for(
    outbox: Waiting,
    name: str,
    archive: Archive,
    first_retry: float = 0.1,
    longest_retry: float = 0.4,
    clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
) -> DestinationQueue:
    config = store_destination(archive.port, first_retry_seconds=first_retry, longest_retry_seconds=longest_retry)
    return outbox.queue(name, config, clock=clock)


def test_job_is_delivered_over_one_association(outbox: Waiting) -> None:
    job = outbox.add_job("pacs")
    with Archive() as archive:
        queue = queue_for(outbox, "pacs", archive)
        assert queue.deliver_due()
        assert not queue.deliver_due()
    assert archive.sop_instance_uids == [row.sop_instance_uid for row in outbox.deliveries(job)]
    assert archive.associations == 1
    assert all(row.delivered and row.attempts == 1 for row in outbox.deliveries(job))
    assert outbox.state(job) is JobState.DELIVERED


def test_refusal_ends_refused(outbox: Waiting) -> None:
    job = outbox.add_job("pacs", objects=1, reason="missing-slice")
    with Archive() as archive:
        queue_for(outbox, "pacs", archive).deliver_due()
    assert outbox.state(job) is JobState.REFUSED


def test_jobs_are_sent_in_their_order(outbox: Waiting) -> None:
    jobs = [outbox.add_job("pacs") for _ in range(3)]
    with Archive() as archive:
        queue_for(outbox, "pacs", archive).deliver_due()
    assert archive.sop_instance_uids == [row.sop_instance_uid for job in jobs for row in outbox.deliveries(job)]


def test_job_is_only_delivered_when_every_destination_has_it(outbox: Waiting) -> None:
    job = outbox.add_job("pacs", "research")
    with Archive() as pacs, Archive() as research:
        queue_for(outbox, "pacs", pacs).deliver_due()
        assert outbox.state(job) is JobState.DELIVERING
        queue_for(outbox, "research", research).deliver_due()
        assert outbox.state(job) is JobState.DELIVERED
    assert pacs.sop_instance_uids == research.sop_instance_uids


def test_destination_that_is_down_gets_everything_once_it_is_back(outbox: Waiting) -> None:
    archive = Archive()
    job = outbox.add_job("pacs")
    with running(queue_for(outbox, "pacs", archive)):
        until(lambda: outbox.deliveries(job)[0].attempts >= 2)
        assert "cannot be reached" in outbox.deliveries(job)[0].status
        assert outbox.state(job) is JobState.DELIVERING
        with archive:
            archive.wait_for(2)
            until(lambda: outbox.state(job) is JobState.DELIVERED)
    assert len(set(archive.sop_instance_uids)) == len(archive.stored) == 2


def test_destination_that_is_down_does_not_delay_another(outbox: Waiting) -> None:
    down = Archive()
    jobs = [outbox.add_job("down", "pacs") for _ in range(3)]
    with Archive() as pacs, running(queue_for(outbox, "down", down), queue_for(outbox, "pacs", pacs)):
        pacs.wait_for(6)
        assert all(outbox.state(job) is JobState.DELIVERING for job in jobs)


def test_slow_destination_does_not_delay_another(outbox: Waiting) -> None:
    released = threading.Event()

    def slowly(_: Dataset) -> int:
        assert released.wait(30)
        return 0

    job = outbox.add_job("slow", "pacs")
    with (
        Archive(answer=slowly) as slow,
        Archive() as pacs,
        running(queue_for(outbox, "slow", slow), queue_for(outbox, "pacs", pacs)),
    ):
        pacs.wait_for(2)
        assert slow.stored == []
        released.set()
        slow.wait_for(2)
        until(lambda: outbox.state(job) is JobState.DELIVERED)


def test_waits_grow_to_the_longest_and_never_end(outbox: Waiting) -> None:
    outbox.add_job("pacs", objects=1)
    clock = Clock()
    queue = queue_for(outbox, "pacs", Archive(), first_retry=10, longest_retry=35, clock=clock)
    waits = []
    for _ in range(5):
        assert queue.deliver_due()
        assert not queue.deliver_due()
        state = outbox.destination("pacs")
        assert state.open_until is not None
        waits.append((state.open_until - clock.now).total_seconds())
        clock.now = state.open_until
    assert waits == [10, 20, 35, 35, 35]


def test_only_what_was_refused_is_sent_again(outbox: Waiting) -> None:
    job = outbox.add_job("pacs", objects=3)
    bad = outbox.deliveries(job)[1].sop_instance_uid
    refusals = 2

    def answer(dataset: Dataset) -> int:
        nonlocal refusals
        if dataset.SOPInstanceUID == bad and refusals:
            refusals -= 1
            return 0xA700
        return 0

    with Archive(answer=answer) as archive, running(queue_for(outbox, "pacs", archive)):
        archive.wait_for(3)
        until(lambda: outbox.state(job) is JobState.DELIVERED)
    assert [row.attempts for row in outbox.deliveries(job)] == [1, 3, 1]
    assert len(archive.sop_instance_uids) == len(set(archive.sop_instance_uids)) == 3


def test_instance_that_the_association_always_ends_at_holds_up_no_other(outbox: Waiting) -> None:
    job = outbox.add_job("pacs", objects=4)
    rows = outbox.deliveries(job)
    bad = rows[1].sop_instance_uid

    def answer(dataset: Dataset) -> int:
        if dataset.SOPInstanceUID == bad:
            archive.abort()
            return 0xC000
        return 0

    archive = Archive(answer=answer)
    with archive, running(queue_for(outbox, "pacs", archive)):
        until(lambda: sum(row.delivered is not None for row in outbox.deliveries(job)) == 3)
        until(lambda: outbox.deliveries(job)[1].attempts >= 2)
    assert archive.sop_instance_uids == [row.sop_instance_uid for row in rows if row.sop_instance_uid != bad]
    assert [row.delivered is not None for row in outbox.deliveries(job)] == [True, False, True, True]
    assert [row.attempts for row in outbox.deliveries(job) if row.delivered] == [1, 1, 1]


def test_after_a_broken_association_everything_arrives_once(outbox: Waiting) -> None:
    job = outbox.add_job("pacs", objects=4)
    archive = Archive()
    broken = False

    def answer(_: Dataset) -> int:
        nonlocal broken
        if len(archive.stored) == 2 and not broken:
            broken = True
            archive.abort()
            return 0xC000
        return 0

    archive.answer = answer
    with archive, running(queue_for(outbox, "pacs", archive)):
        until(lambda: outbox.state(job) is JobState.DELIVERED)
    assert sorted(archive.sop_instance_uids) == sorted(row.sop_instance_uid for row in outbox.deliveries(job))


def test_warning_is_a_delivery_and_is_kept(outbox: Waiting) -> None:
    job = outbox.add_job("pacs", objects=1)
    with Archive(answer=lambda _: 0xB000) as archive:
        queue_for(outbox, "pacs", archive).deliver_due()
    (row,) = outbox.deliveries(job)
    assert row.delivered
    assert row.status == "B000 Coercion of Data Elements"
    assert outbox.state(job) is JobState.DELIVERED


def test_what_waits_for_a_destination_that_is_gone_is_told(outbox: Waiting) -> None:
    job = outbox.add_job("old pacs")
    with outbox.database.write() as session:
        hold_unaddressed(session, {"pacs"}, repeat=True)
    with outbox.database.read() as session:
        (event,) = session.scalars(select(Event).where(Event.kind == "no-destination"))
    assert event.text == "2 instances wait: old pacs is not configured"
    assert {row.status for row in outbox.deliveries(job)} == {"old pacs is not configured"}


def compress(outbox: Waiting, job: int) -> None:
    for row in outbox.deliveries(job):
        path = outbox.folder / "outbox" / row.path
        dataset = dcmread(path)
        dataset.compress(RLELossless, generate_instance_uid=False)
        dataset.save_as(path)


def test_a_kind_that_the_archive_does_not_take_holds_up_no_other(outbox: Waiting) -> None:
    clock = Clock()
    with Archive(transfer_syntaxes=[ExplicitVRLittleEndian]) as archive:
        unwanted = outbox.add_job("pacs", objects=3)
        compress(outbox, unwanted)
        queue = queue_for(outbox, "pacs", archive, clock=clock)
        # Alone it is all that is offered, again and again.
        for _ in range(5):
            queue.deliver_due()
            clock.wait(600)
        wanted = outbox.add_job("pacs")
        queue.deliver_due()
        queue.close()
    assert outbox.state(wanted) is JobState.DELIVERED
    assert outbox.state(unwanted) is JobState.DELIVERING
    assert outbox.destination("pacs").failures == 0
    assert all("does not accept MR Image Storage in RLE" in str(row.status) for row in outbox.deliveries(unwanted))
    assert "; not sent: the peer does not accept MR Image Storage in RLE" in outbox.outcome(unwanted)


def test_a_kind_that_is_not_accepted_is_offered_once_for_all(outbox: Waiting) -> None:
    with Archive(transfer_syntaxes=[ExplicitVRLittleEndian]) as archive:
        compress(outbox, outbox.add_job("pacs", objects=12))
        queue = queue_for(outbox, "pacs", archive)
        queue.deliver_due()
        queue.close()
        assert archive.associations <= 1
    assert all(row.attempts == 1 for row in outbox.deliveries())


def test_an_archive_that_is_full_is_not_well_because_it_does_not_take_another_kind(outbox: Waiting) -> None:
    clock = Clock()
    with Archive(answer=lambda _: 0xA700, transfer_syntaxes=[ExplicitVRLittleEndian]) as archive:
        outbox.add_job("pacs", objects=1)
        compress(outbox, outbox.add_job("pacs", objects=1))
        queue = queue_for(outbox, "pacs", archive, clock=clock)
        for _ in range(6):
            queue.deliver_due()
            clock.wait(600)
        queue.close()
    assert outbox.destination("pacs").failures >= 5


@pytest.mark.peer
def test_what_orthanc_does_not_know_holds_up_nothing(outbox: Waiting, tmp_path: Path) -> None:
    if find_orthanc() is None:
        pytest.skip("Orthanc is not installed")
    unknown = outbox.add_job("pacs")
    for row in outbox.deliveries(unknown):
        path = outbox.folder / "outbox" / row.path
        dataset = dcmread(path)
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = WaveformAnnotationSRStorage
        dataset.save_as(path)
    known = outbox.add_job("pacs")
    with running_orthanc(tmp_path / "orthanc", unknown_sop_classes=False) as orthanc:
        queue = outbox.queue("pacs", store_destination(orthanc.port, first_retry_seconds=0.01))
        # First with the other job, then alone.
        for _ in range(3):
            queue.deliver_due()
            time.sleep(0.05)
        later = outbox.add_job("pacs")
        queue.deliver_due()
        queue.close()
    assert outbox.state(known) is outbox.state(later) is JobState.DELIVERED
    assert outbox.state(unknown) is JobState.DELIVERING
    assert outbox.destination("pacs").failures == 0
    assert all("does not accept Waveform Annotation SR" in str(row.status) for row in outbox.deliveries(unknown))
