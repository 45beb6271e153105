"""The lease: who has a job in hand, for how long, and what ends a run that must not go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from deploy.node.database import Database, Job, is_passing
from deploy.node.failure import FailureKind
from deploy.node.jobs.retries import fail_job
from deploy.node.jobs.transitions import HELD, now
from operators.provenance import ReplacedResult

_LOOK_SECONDS = 0.5
"""How often the holder looks whether the job is to be cancelled, or no longer its own."""


class LostLeaseError(RuntimeError):
    """The worker does not hold the job any more: what it found out about it must not be used."""


class CancelRequestedError(RuntimeError):
    """A person wants the job to end: what was found out about it is not wanted."""


@dataclass(frozen=True)
class Claim:
    """A job in the hands of one worker: ``owner`` is unique to this claim, ``attempt`` counts from 1."""

    job_id: int
    study_instance_uid: str
    app: str
    input_digest: str
    sop_instance_uids: tuple[str, ...]
    started: datetime
    attempt: int
    owner: str
    replaces: tuple[ReplacedResult, ...] = ()


def held(session: Session, claim: Claim) -> Job:
    """Return the claimed job. Raises :class:`LostLeaseError` if it is another's by now."""
    job = session.get(Job, claim.job_id)
    if job is None or job.state not in HELD or job.lease_owner != claim.owner:
        raise LostLeaseError(f"job {claim.job_id} is no longer held by {claim.owner}")
    return job


def wanted(session: Session, claim: Claim) -> Job:
    """Return the claimed job like :func:`held`. Raises :class:`CancelRequestedError` if it is to be cancelled."""
    job = held(session, claim)
    if job.cancel_requested:
        raise CancelRequestedError(f"job {job.id} is to be cancelled")
    return job


@contextmanager
def hold(database: Database, claim: Claim, lease_seconds: float) -> Iterator[threading.Event]:
    """Renew the lease from a thread of its own for as long as the block takes.

    The event that the block is given is set when the run must end: the job is to be cancelled, is another worker's by
    now, or may be any moment, because the lease could not be renewed in time. The block then learns which when it
    changes the job.
    """
    lease = _Lease(database, claim, lease_seconds)
    # Two, as renewing may have to wait for other writers longer than the lease lasts.
    threads = [
        threading.Thread(target=work, name=f"lease of job {claim.job_id}", daemon=True)
        for work in (lease.watch, lease.renew)
    ]
    for thread in threads:
        thread.start()
    try:
        yield lease.interrupted
    finally:
        lease.done.set()
        for thread in threads:
            thread.join()
    # Raised by the thread that works on the job.
    for problem in lease.problems:
        raise problem


class _Lease:
    """One claim's lease while it is held: renewed, and watched."""

    def __init__(self, database: Database, claim: Claim, seconds: float) -> None:
        self.done, self.interrupted = threading.Event(), threading.Event()
        self.problems: list[Exception] = []
        self._database = database
        self._claim = claim
        self._seconds = seconds
        self._renewed = time.monotonic()

    def watch(self) -> None:
        """Look whether the run may go on, until it is done."""
        while not self.done.wait(min(_LOOK_SECONDS, self._seconds / 3)):
            if time.monotonic() - self._renewed >= self._seconds:
                self.interrupted.set()
            self._attempt(self._look)

    def renew(self) -> None:
        """Renew the lease, until the run is done."""
        while not self.done.wait(self._seconds / 3):
            self._attempt(self._extend)

    def _look(self) -> None:
        with self._database.read() as session:
            if held(session, self._claim).cancel_requested:
                self.interrupted.set()

    def _extend(self) -> None:
        with self._database.write() as session:
            renewed = time.monotonic()
            held(session, self._claim).lease_expires = now() + timedelta(seconds=self._seconds)
        self._renewed = renewed

    def _attempt(self, work: Callable[[], None]) -> None:
        try:
            work()
        # A job that the block has led on is no longer held either.
        except LostLeaseError:
            self.interrupted.set()
        except Exception as error:
            # The next time may go well.
            if not (isinstance(error, DBAPIError) and is_passing(error)):
                self.problems.append(error)
                self.interrupted.set()


def put_back(session: Session, job: Job) -> None:
    """Queue a job again whose holder has not finished it, or give it up after too many such interruptions."""
    detail = f"{job.lease_owner or 'nobody'} has not finished it; the node or the machine may have stopped"
    fail_job(session, job, FailureKind.LOST_LEASE, detail, 0)


def release_leases(database: Database) -> int:
    """Put back every job that is held, and return how many; to be called when no owner can be alive."""
    with database.write() as session:
        jobs = list(session.scalars(select(Job).where(Job.state.in_(HELD))))
        for job in jobs:
            put_back(session, job)
    return len(jobs)
