"""Jobs: from the queue to a final state, under a lease, one transaction with one event for each change.

A worker claims a job and holds it by a lease that it renews; a job whose lease has expired goes back to the queue. A
failure is tried again, later each time, until the app's ``maximum_attempts``; a refusal never is.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from sqlalchemy import or_, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from deploy.node.database import Database, Delivery, Job, JobState, Study, is_passing
from deploy.node.events import record
from deploy.node.failure import FailureKind
from deploy.node.replacing import fixed_replaces, is_replaced, waits_for_replaced
from operators.outcome import Outcome
from operators.provenance import ReplacedResult
from operators.refused import Reason

FIRST_RETRY_SECONDS = 10.0
LONGEST_RETRY_SECONDS = 600.0

_NEXT = {
    JobState.QUEUED: {JobState.RUNNING, JobState.CANCELLED},
    JobState.RUNNING: {JobState.VERIFYING, JobState.QUEUED, JobState.FAILED, JobState.CANCELLED},
    JobState.VERIFYING: {
        JobState.DELIVERING,
        JobState.REFUSED,
        JobState.QUEUED,
        JobState.FAILED,
        JobState.CANCELLED,
    },
    JobState.DELIVERING: {JobState.DELIVERED, JobState.REFUSED},
    JobState.FAILED: {JobState.QUEUED, JobState.CANCELLED},
    JobState.CANCELLED: {JobState.QUEUED},
    JobState.DELIVERED: set(),
    JobState.REFUSED: set(),
}

_HELD = (JobState.RUNNING, JobState.VERIFYING)


class IllegalTransitionError(RuntimeError):
    """A job cannot go from the state that it is in to the one asked for."""


class LostLeaseError(RuntimeError):
    """The worker does not hold the job any more: what it found out about it must not be used."""


class UnknownJobError(ValueError):
    """There is no job of that number."""


@dataclass(frozen=True)
class Claim:
    """A job in the hands of one worker: ``owner`` holds the lease, ``attempt`` counts from 1."""

    job_id: int
    study_instance_uid: str
    app: str
    input_digest: str
    sop_instance_uids: tuple[str, ...]
    started: datetime
    attempt: int
    owner: str
    replaces: tuple[ReplacedResult, ...] = ()


@dataclass(frozen=True)
class NewDelivery:
    """A result object and where it has to go; ``path`` is relative to the outbox."""

    destination: str
    sop_instance_uid: str
    sop_class_uid: str
    path: str


def claim(database: Database, app: str, *, owner: str, lease_seconds: float, maximum_attempts: int) -> Claim | None:
    """Take the app's next due job, the oldest first, or None if there is none.

    Jobs whose lease has expired are put back first; one that was interrupted ``maximum_attempts`` times fails. A queued
    job that another replaces is withdrawn; one that replaces a job that is being run waits for it, to name its results.
    """
    now = _now()
    expired = select(Job).where(Job.app == app, Job.state.in_(_HELD), Job.lease_expires < now)
    due = (
        select(Job)
        .where(
            Job.app == app,
            Job.state == JobState.QUEUED,
            or_(Job.not_before.is_(None), Job.not_before <= now),
            ~waits_for_replaced(),
        )
        .order_by(Job.id)
        .limit(1)
    )
    replaced = select(Job).where(Job.app == app, Job.state == JobState.QUEUED, is_replaced())
    with database.read() as session:
        if all(session.scalars(query).first() is None for query in (expired, replaced, due)):
            return None
    with database.write() as session:
        for job in session.scalars(expired):
            _put_back_interrupted(session, job, maximum_attempts)
        session.flush()
        for job in session.scalars(replaced).all():
            withdraw(session, job)
        session.flush()
        found = session.scalars(due).first()
        if found is None:
            return None
        found.attempts += 1
        found.reason = found.detail = ""
        _change(session, found, JobState.RUNNING, f"started {app}, attempt {found.attempts}", attempt=found.attempts)
        found.lease_owner = owner
        found.lease_expires = now + timedelta(seconds=lease_seconds)
        return Claim(
            job_id=found.id,
            study_instance_uid=found.study_instance_uid,
            app=found.app,
            input_digest=found.input_digest,
            sop_instance_uids=tuple(found.sop_instance_uids),
            started=found.started,
            attempt=found.attempts,
            owner=owner,
            replaces=fixed_replaces(session, found),
        )


@contextmanager
def hold(database: Database, claim: Claim, lease_seconds: float) -> Iterator[None]:
    """Renew the lease from a thread of its own for as long as the block takes.

    A lease that is lost meanwhile shows when the block changes the job: that raises :class:`LostLeaseError`.
    """
    done = threading.Event()
    problems: list[Exception] = []

    def renew() -> None:
        while not done.wait(lease_seconds / 3):
            try:
                with database.write() as session:
                    _held(session, claim).lease_expires = _now() + timedelta(seconds=lease_seconds)
            # Raised again by the thread that works on the job, unless the next renewal may succeed.
            except Exception as error:
                if isinstance(error, DBAPIError) and is_passing(error):
                    continue
                problems.append(error)
                return

    thread = threading.Thread(target=renew, name=f"lease of job {claim.job_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    # A job that the block has led on is no longer held either.
    for problem in problems:
        if not isinstance(problem, LostLeaseError):
            raise problem


def begin_verification(database: Database, claim: Claim, outcome: Outcome) -> None:
    """The app has finished: keep what it says about its run in the log."""
    with database.write() as session:
        job = _held(session, claim)
        _change(
            session,
            job,
            JobState.VERIFYING,
            outcome.summary or outcome.status,
            seconds=dict(outcome.seconds),
            decisions=[decision.model_dump() for decision in outcome.decisions],
            gates=[gate.model_dump(mode="json") for gate in outcome.gates],
            files=list(outcome.files),
        )


def begin_delivery(database: Database, claim: Claim, outcome: Outcome, deliveries: Sequence[NewDelivery]) -> None:
    """The results are right and in the outbox: queue them for their destinations."""
    now = _now()
    with database.write() as session:
        job = _held(session, claim)
        _keep_outcome(job, outcome)
        for delivery in deliveries:
            session.add(
                Delivery(
                    job_id=job.id,
                    destination=delivery.destination,
                    sop_instance_uid=delivery.sop_instance_uid,
                    sop_class_uid=delivery.sop_class_uid,
                    path=delivery.path,
                    not_before=now,
                )
            )
        destinations = ", ".join(sorted({delivery.destination for delivery in deliveries}))
        _change(session, job, JobState.DELIVERING, f"{len(deliveries)} objects to deliver to {destinations}")


def refuse(database: Database, claim: Claim, outcome: Outcome) -> None:
    """The input must not be analysed and there is nothing to deliver about it: the job ends."""
    with database.write() as session:
        job = _held(session, claim)
        _keep_outcome(job, outcome)
        _change(session, job, JobState.REFUSED, outcome.summary)


def conclude_delivery(session: Session, job_id: int) -> bool:
    """End a job if each of its deliveries has arrived; part of the transaction that says so of the last one."""
    job = session.get_one(Job, job_id)
    session.flush()
    left = select(Delivery.id).where(Delivery.job_id == job_id, Delivery.delivered.is_(None)).limit(1)
    if job.state is not JobState.DELIVERING or session.scalars(left).first() is not None:
        return False
    if job.reason:
        _change(session, job, JobState.REFUSED, "the refusal has been delivered")
    else:
        _change(session, job, JobState.DELIVERED, "every result has been delivered")
    return True


def fail(
    database: Database,
    claim: Claim,
    kind: FailureKind,
    detail: str,
    *,
    maximum_attempts: int,
    first_retry_seconds: float = FIRST_RETRY_SECONDS,
) -> None:
    """The attempt came to nothing: queue the job again for later or, after the last attempt, give it up."""
    with database.write() as session:
        job = _held(session, claim)
        _fail(session, job, kind, detail, maximum_attempts, first_retry_seconds)


def supersede(database: Database, claim: Claim) -> None:
    """App, model or settings are no longer those the job was made for: decide over its study anew."""
    with database.write() as session:
        job = _held(session, claim)
        session.get_one(Study, job.study_instance_uid).reopen()
        _fail(session, job, FailureKind.OUTDATED, "the study is decided over anew", 0, 0.0)


def withdraw(session: Session, job: Job) -> None:
    """More of the study came before a queued job was begun: cancel it, as another one replaces it."""
    _change(session, job, JobState.CANCELLED, "cancelled: more of the study came, and another job is for all of it")


def give_back(database: Database, claim: Claim) -> None:
    """The node stops: queue the job again as if this attempt had not been begun."""
    with database.write() as session:
        job = _held(session, claim)
        job.attempts -= 1
        _change(session, job, JobState.QUEUED, "given back, as the node stops")


def release_leases(database: Database, maximum_attempts: Mapping[str, int]) -> int:
    """Put back every job that is held, and return how many; to be called when no owner can be alive.

    A job of an app that is not in ``maximum_attempts`` is queued, however often it was tried.
    """
    with database.write() as session:
        jobs = list(session.scalars(select(Job).where(Job.state.in_(_HELD))))
        for job in jobs:
            _put_back_interrupted(session, job, maximum_attempts.get(job.app))
    return len(jobs)


def record_unconfigured(session: Session, apps: set[str]) -> None:
    """Say what waits for an app that is not configured, in the study too: it runs once the app is configured again."""
    for job in session.scalars(select(Job).where(Job.state == JobState.QUEUED, Job.app.not_in(apps))).all():
        job.reason, job.detail = FailureKind.NOT_CONFIGURED.value, f"the job waits until apps.{job.app} is there again"
        record(session, "no-app", _why_failed(job), study=job.study_instance_uid, job=job.id)
        _tell_study(session, job)


def retry(database: Database, job_id: int) -> None:
    """Queue a failed job again, with all its attempts before it.

    Raises :class:`UnknownJobError`, or :class:`IllegalTransitionError` for a job that has not failed.
    """
    with database.write() as session:
        job = session.get(Job, job_id)
        if job is None:
            raise UnknownJobError(f"there is no job {job_id}")
        if job.state is not JobState.FAILED:
            raise IllegalTransitionError(f"only a failed job can be tried again; job {job_id} is {job.state.value}")
        _queue_again(session, job, "queued again on request")


def take_back_outdated(session: Session, job: Job) -> bool:
    """Queue a job again that was given up as outdated, now that app, model and settings are again those it is for."""
    if (job.state, job.reason) != (JobState.FAILED, FailureKind.OUTDATED.value):
        return False
    _queue_again(session, job, "queued again: app, model and settings are those it was made for")
    return True


def describe(job: Job) -> str:
    """Return what a job has come to, in one sentence for people."""
    if job.state is JobState.REFUSED or (job.state is JobState.DELIVERING and job.reason):
        return f"not analysed: {Reason(job.reason).meaning}: {job.detail}"
    if job.state in (JobState.DELIVERED, JobState.DELIVERING):
        return job.detail or "analysed"
    if job.state is JobState.FAILED:
        return f"not analysed: {_why_failed(job)} ({job.attempts} attempts)"
    if job.reason == FailureKind.NOT_CONFIGURED.value:
        return f"not analysed yet: {_why_failed(job)}"
    if job.reason:
        return f"{_why_failed(job)}; to be tried again (attempt {job.attempts + 1})"
    return job.state.value


def _why_failed(job: Job) -> str:
    # The last line of a traceback is the one that names the error.
    lines = job.detail.strip().splitlines()
    return f"{FailureKind(job.reason).meaning}: {lines[-1] if lines else 'no detail'}"


def _queue_again(session: Session, job: Job, text: str) -> None:
    job.attempts = 0
    job.not_before = job.finished = None
    job.reason = job.detail = ""
    _change(session, job, JobState.QUEUED, text)


def _change(session: Session, job: Job, state: JobState, text: str, **data: object) -> None:
    if state not in _NEXT[job.state]:
        raise IllegalTransitionError(f"job {job.id} cannot go from {job.state.value} to {state.value}")
    job.state = state
    if state not in _HELD:
        job.lease_owner = job.lease_expires = None
    if state.is_final:
        job.finished = _now()
    record(session, state.value, text, study=job.study_instance_uid, job=job.id, **data)
    _tell_study(session, job)


def _tell_study(session: Session, job: Job) -> None:
    """Write into the study what the latest job of each app has come to; an outdated one only if there is no other."""
    session.flush()
    others = session.scalars(select(Job).where(Job.study_instance_uid == job.study_instance_uid)).all()
    latest = {
        other.app: other
        for other in sorted(others, key=lambda other: (other.reason != FailureKind.OUTDATED.value, other.id))
    }
    study = session.get_one(Study, job.study_instance_uid)
    study.outcome = "\n".join(f"{app}: {describe(other)}" for app, other in sorted(latest.items()))


def _held(session: Session, claim: Claim) -> Job:
    job = session.get(Job, claim.job_id)
    if job is None or job.state not in _HELD or (job.lease_owner, job.attempts) != (claim.owner, claim.attempt):
        raise LostLeaseError(f"job {claim.job_id} is no longer held by {claim.owner}")
    return job


def _keep_outcome(job: Job, outcome: Outcome) -> None:
    refused = outcome.status == "refused"
    job.reason = Reason(outcome.reason).value if refused else ""
    job.detail = outcome.detail if refused else outcome.summary


def _put_back_interrupted(session: Session, job: Job, maximum_attempts: int | None) -> None:
    owner = job.lease_owner or "nobody"
    if maximum_attempts is not None and job.attempts >= maximum_attempts:
        detail = f"{owner} has not finished it; the node or the machine may have stopped"
        _fail(session, job, FailureKind.LOST_LEASE, detail, maximum_attempts, 0.0)
    else:
        _change(session, job, JobState.QUEUED, f"interrupted: {owner} has not finished it")


def _fail(
    session: Session, job: Job, kind: FailureKind, detail: str, maximum_attempts: int, first_retry_seconds: float
) -> None:
    job.reason, job.detail = kind.value, detail
    data = {"kind_of_failure": kind.value, "detail": detail, "attempt": job.attempts}
    if job.attempts >= maximum_attempts:
        _change(session, job, JobState.FAILED, f"failed: {_why_failed(job)}", **data)
        return
    delay = min(first_retry_seconds * 2 ** (job.attempts - 1), LONGEST_RETRY_SECONDS)
    job.not_before = _now() + timedelta(seconds=delay)
    _change(session, job, JobState.QUEUED, f"{_why_failed(job)}; tried again in {delay:g} s", **data)


def _now() -> datetime:
    return datetime.now(timezone.utc)
