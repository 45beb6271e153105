"""The outbox against archives that are well, slow, down, or refuse."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from sqlalchemy import select

from deploy.node.config import DestinationConfig
from deploy.node.database import Database, Delivery, DestinationState, Event, Job, JobState, Study
from deploy.node.outbox import DestinationQueue, hold_unaddressed
from phantoms.mr_brain.dicom import BrainMRStudy
from tests.deploy.node.archive import Archive

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


@dataclass
class Clock:
    """A clock that the test moves."""

    now: datetime = field(default_factory=lambda: datetime.now(timezone.utc))

    def __call__(self) -> datetime:
        return self.now


class Outbox:
    """Jobs whose results wait in the outbox; any DICOM files do as results."""

    def __init__(self, database: Database, folder: Path, paths: tuple[Path, ...]) -> None:
        self.database = database
        self._folder = folder
        self._paths = iter(paths)
        with database.write() as session:
            session.add(Study(study_instance_uid="1.2.3", first_received=NOW, last_received=NOW))

    def add_job(self, *destinations: str, objects: int = 2, reason: str = "") -> int:
        with self.database.write() as session:
            job = Job(
                study_instance_uid="1.2.3",
                app="tiny",
                app_version="1.0.0",
                input_digest=f"digest {time.monotonic_ns()}",
                sop_instance_uids=[],
                state=JobState.DELIVERING,
                reason=reason,
                started=NOW,
            )
            session.add(job)
            session.flush()
            for _ in range(objects):
                source = next(self._paths)
                target = self._folder / "outbox" / str(job.id) / source.name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
                header = dcmread(source, stop_before_pixels=True)
                for destination in destinations:
                    session.add(
                        Delivery(
                            job_id=job.id,
                            destination=destination,
                            sop_instance_uid=header.SOPInstanceUID,
                            sop_class_uid=header.SOPClassUID,
                            path=f"{job.id}/{source.name}",
                            not_before=NOW,
                        )
                    )
            return job.id

    def queue(
        self,
        name: str,
        archive: Archive,
        first_retry: float = 0.1,
        longest_retry: float = 0.4,
        clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> DestinationQueue:
        config = DestinationConfig(
            ae_title="ARCHIVE",
            host="127.0.0.1",
            port=archive.port,
            first_retry_seconds=first_retry,
            longest_retry_seconds=longest_retry,
        )
        return DestinationQueue(
            name,
            config,
            self.database,
            self._folder,
            calling_ae_title="GANTRY",
            clock=clock,
            draw=lambda: 0.0,
        )

    def destination(self, name: str) -> DestinationState:
        with self.database.read() as session:
            return session.get_one(DestinationState, name)

    def deliveries(self, job: int) -> list[Delivery]:
        with self.database.read() as session:
            return list(session.scalars(select(Delivery).where(Delivery.job_id == job).order_by(Delivery.id)))

    def state(self, job: int) -> JobState:
        with self.database.read() as session:
            return session.get_one(Job, job).state

    def wait_for(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < end, "it never happens"
            time.sleep(0.01)


@pytest.fixture
def outbox(database: Database, tmp_path: Path, brain_study: BrainMRStudy) -> Outbox:
    return Outbox(database, tmp_path, brain_study.paths)


@contextmanager
def running(*queues: DestinationQueue) -> Iterator[None]:
    stop = threading.Event()
    threads = [threading.Thread(target=queue.run, args=(stop,)) for queue in queues]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for queue in queues:
            queue.bell.ring()
        for thread in threads:
            thread.join()


def test_job_is_delivered_over_one_association(outbox: Outbox) -> None:
    job = outbox.add_job("pacs")
    with Archive() as archive:
        queue = outbox.queue("pacs", archive)
        assert queue.deliver_due()
        assert not queue.deliver_due()
    assert archive.sop_instance_uids == [row.sop_instance_uid for row in outbox.deliveries(job)]
    assert archive.associations == 1
    assert all(row.delivered and row.attempts == 1 for row in outbox.deliveries(job))
    assert outbox.state(job) is JobState.DELIVERED


def test_refusal_ends_refused(outbox: Outbox) -> None:
    job = outbox.add_job("pacs", objects=1, reason="missing-slice")
    with Archive() as archive:
        outbox.queue("pacs", archive).deliver_due()
    assert outbox.state(job) is JobState.REFUSED


def test_jobs_are_sent_in_their_order(outbox: Outbox) -> None:
    jobs = [outbox.add_job("pacs") for _ in range(3)]
    with Archive() as archive:
        outbox.queue("pacs", archive).deliver_due()
    assert archive.sop_instance_uids == [row.sop_instance_uid for job in jobs for row in outbox.deliveries(job)]


def test_job_is_only_delivered_when_every_destination_has_it(outbox: Outbox) -> None:
    job = outbox.add_job("pacs", "research")
    with Archive() as pacs, Archive() as research:
        outbox.queue("pacs", pacs).deliver_due()
        assert outbox.state(job) is JobState.DELIVERING
        outbox.queue("research", research).deliver_due()
        assert outbox.state(job) is JobState.DELIVERED
    assert pacs.sop_instance_uids == research.sop_instance_uids


def test_destination_that_is_down_gets_everything_once_it_is_back(outbox: Outbox) -> None:
    archive = Archive()
    job = outbox.add_job("pacs")
    with running(outbox.queue("pacs", archive)):
        outbox.wait_for(lambda: outbox.deliveries(job)[0].attempts >= 2)
        assert "cannot be reached" in outbox.deliveries(job)[0].status
        assert outbox.state(job) is JobState.DELIVERING
        with archive:
            archive.wait_for(2)
            outbox.wait_for(lambda: outbox.state(job) is JobState.DELIVERED)
    assert len(set(archive.sop_instance_uids)) == len(archive.stored) == 2


def test_destination_that_is_down_does_not_delay_another(outbox: Outbox) -> None:
    down = Archive()
    jobs = [outbox.add_job("down", "pacs") for _ in range(3)]
    with Archive() as pacs, running(outbox.queue("down", down), outbox.queue("pacs", pacs)):
        pacs.wait_for(6)
        assert all(outbox.state(job) is JobState.DELIVERING for job in jobs)


def test_slow_destination_does_not_delay_another(outbox: Outbox) -> None:
    released = threading.Event()

    def slowly(_: Dataset) -> int:
        assert released.wait(30)
        return 0

    job = outbox.add_job("slow", "pacs")
    with (
        Archive(answer=slowly) as slow,
        Archive() as pacs,
        running(outbox.queue("slow", slow), outbox.queue("pacs", pacs)),
    ):
        pacs.wait_for(2)
        assert slow.stored == []
        released.set()
        slow.wait_for(2)
        outbox.wait_for(lambda: outbox.state(job) is JobState.DELIVERED)


def test_waits_grow_to_the_longest_and_never_end(outbox: Outbox) -> None:
    outbox.add_job("pacs", objects=1)
    clock = Clock()
    queue = outbox.queue("pacs", Archive(), first_retry=10, longest_retry=35, clock=clock)
    waits = []
    for _ in range(5):
        assert queue.deliver_due()
        assert not queue.deliver_due()
        state = outbox.destination("pacs")
        assert state.open_until is not None
        waits.append((state.open_until - clock.now).total_seconds())
        clock.now = state.open_until
    assert waits == [10, 20, 35, 35, 35]


def test_only_what_was_refused_is_sent_again(outbox: Outbox) -> None:
    job = outbox.add_job("pacs", objects=3)
    bad = outbox.deliveries(job)[1].sop_instance_uid
    refusals = 2

    def answer(dataset: Dataset) -> int:
        nonlocal refusals
        if dataset.SOPInstanceUID == bad and refusals:
            refusals -= 1
            return 0xA700
        return 0

    with Archive(answer=answer) as archive, running(outbox.queue("pacs", archive)):
        archive.wait_for(3)
        outbox.wait_for(lambda: outbox.state(job) is JobState.DELIVERED)
    assert [row.attempts for row in outbox.deliveries(job)] == [1, 3, 1]
    assert len(archive.sop_instance_uids) == len(set(archive.sop_instance_uids)) == 3


def test_instance_that_the_association_always_ends_at_holds_up_no_other(outbox: Outbox) -> None:
    job = outbox.add_job("pacs", objects=4)
    rows = outbox.deliveries(job)
    bad = rows[1].sop_instance_uid

    def answer(dataset: Dataset) -> int:
        if dataset.SOPInstanceUID == bad:
            archive.abort()
            return 0xC000
        return 0

    archive = Archive(answer=answer)
    with archive, running(outbox.queue("pacs", archive)):
        archive.wait_for(3)
        outbox.wait_for(lambda: outbox.deliveries(job)[1].attempts >= 2)
    assert archive.sop_instance_uids == [row.sop_instance_uid for row in rows if row.sop_instance_uid != bad]
    assert [row.delivered is not None for row in outbox.deliveries(job)] == [True, False, True, True]
    assert [row.attempts for row in outbox.deliveries(job) if row.delivered] == [1, 1, 1]


def test_after_a_broken_association_everything_arrives_once(outbox: Outbox) -> None:
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
    with archive, running(outbox.queue("pacs", archive)):
        archive.wait_for(4)
        outbox.wait_for(lambda: outbox.state(job) is JobState.DELIVERED)
    assert sorted(archive.sop_instance_uids) == sorted(row.sop_instance_uid for row in outbox.deliveries(job))


def test_warning_is_a_delivery_and_is_kept(outbox: Outbox) -> None:
    job = outbox.add_job("pacs", objects=1)
    with Archive(answer=lambda _: 0xB000) as archive:
        outbox.queue("pacs", archive).deliver_due()
    (row,) = outbox.deliveries(job)
    assert row.delivered
    assert row.status == "B000 Coercion of Data Elements"
    assert outbox.state(job) is JobState.DELIVERED


def test_what_waits_for_a_destination_that_is_gone_is_told(outbox: Outbox) -> None:
    job = outbox.add_job("old pacs")
    with outbox.database.write() as session:
        hold_unaddressed(session, {"pacs"}, repeat=True)
    with outbox.database.read() as session:
        (event,) = session.scalars(select(Event).where(Event.kind == "no-destination"))
    assert event.text == "2 instances wait: old pacs is not configured"
    assert {row.status for row in outbox.deliveries(job)} == {"old pacs is not configured"}
