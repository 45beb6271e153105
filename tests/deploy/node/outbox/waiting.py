"""Jobs whose results wait in an outbox, and queues that deliver them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

from pydicom.uid import MRImageStorage
from sqlalchemy import select

from deploy.node.config import DestinationConfig
from deploy.node.database import Database, Delivery, DestinationState, Event, Job, JobState, Study
from deploy.node.outbox import DestinationQueue
from tests.deploy.node.sending import encoded, instance, write_file

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


@dataclass
class Clock:
    """A clock that the test moves."""

    now: datetime = field(default_factory=lambda: datetime.now(timezone.utc))

    def __call__(self) -> datetime:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Waiting:
    """Jobs of studies of their own, each with small images as results."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder

    def add_job(self, *destinations: str, objects: int = 2, reason: str = "", pixels: int = 2048) -> int:
        """Queue a study's results, as the worker does; return the job's number."""
        with self.database.write() as session:
            started = datetime.now(timezone.utc)
            job = Job(
                study_instance_uid="",
                app="tiny",
                app_version="1.0.0",
                input_digest=f"digest {time.monotonic_ns()}",
                sop_instance_uids=[],
                state=JobState.DELIVERING,
                reason=reason,
                started=started,
            )
            study = f"1.2.826.0.1.3680043.8.498.{time.monotonic_ns()}"
            session.add(Study(study_instance_uid=study, first_received=started, last_received=started))
            job.study_instance_uid = study
            session.add(job)
            session.flush()
            folder = self.folder / "outbox" / str(job.id)
            folder.mkdir(parents=True)
            for number in range(1, objects + 1):
                image = instance(number, study=study, pixels=bytes(pixels))
                uid = str(image.SOPInstanceUID)
                write_file(folder / f"{number}.dcm", encoded(image), sop_instance_uid=uid)
                for destination in destinations:
                    session.add(
                        Delivery(
                            job_id=job.id,
                            destination=destination,
                            sop_instance_uid=uid,
                            sop_class_uid=MRImageStorage,
                            path=f"{job.id}/{number}.dcm",
                            not_before=NOW,
                        )
                    )
            return job.id

    def queue(
        self,
        name: str,
        config: DestinationConfig,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> DestinationQueue:
        """A queue without chance in its waits."""
        return DestinationQueue(
            name, config, self.database, self.folder, calling_ae_title="GANTRY", clock=clock, draw=lambda: 0.0
        )

    def deliveries(self, *jobs: int, destination: str | None = None) -> list[Delivery]:
        """The deliveries of some or all jobs, in the order in which they were queued."""
        query = select(Delivery).order_by(Delivery.id)
        if jobs:
            query = query.where(Delivery.job_id.in_(jobs))
        if destination is not None:
            query = query.where(Delivery.destination == destination)
        with self.database.read() as session:
            return list(session.scalars(query))

    def uids(self, destination: str) -> list[str]:
        """What a destination has to get, in the order in which it has to."""
        return [row.sop_instance_uid for row in self.deliveries(destination=destination)]

    def state(self, job: int) -> JobState:
        with self.database.read() as session:
            return session.get_one(Job, job).state

    def outcome(self, job: int) -> str:
        """What the node says of the job's study."""
        with self.database.read() as session:
            return session.get_one(Job, job).study.outcome

    def destination(self, name: str) -> DestinationState:
        """The state of a destination, which is none before its first failure."""
        with self.database.read() as session:
            return session.get(DestinationState, name) or DestinationState(name=name, failures=0, problem="")

    def events(self, kind: str) -> list[Event]:
        with self.database.read() as session:
            return list(session.scalars(select(Event).where(Event.kind == kind).order_by(Event.id)))

    def is_delivered(self, destination: str) -> bool:
        return all(row.delivered is not None for row in self.deliveries(destination=destination))


def store_destination(port: int, ae_title: str = "ARCHIVE", **more: object) -> DestinationConfig:
    """A destination by C-STORE that is tried again soon."""
    values = {"first_retry_seconds": 0.05, "longest_retry_seconds": 0.2, "answer_seconds": 20.0} | more
    return DestinationConfig.model_validate({"ae_title": ae_title, "host": "127.0.0.1", "port": port, **values})


@contextmanager
def running(*queues: DestinationQueue) -> Iterator[None]:
    """Run queues in threads of their own, as the node does."""
    stop = threading.Event()
    threads = [threading.Thread(target=queue.run, args=(stop,)) for queue in queues]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for queue in queues:
            queue.hang_up()
        for thread in threads:
            thread.join()
