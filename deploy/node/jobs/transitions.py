"""The one place where a job's state changes: only along the documented diagram, each time with its event."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone

from sqlalchemy import select
from sqlalchemy.orm import Session

from deploy.node.database import Event, Job, JobState
from deploy.node.events import record
from deploy.node.failure import FailureKind
from deploy.node.jobs.telling import tell_study

TRANSITIONS: Mapping[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.RUNNING: frozenset({JobState.VERIFYING, JobState.QUEUED, JobState.FAILED, JobState.CANCELLED}),
    JobState.VERIFYING: frozenset(
        {JobState.DELIVERING, JobState.REFUSED, JobState.QUEUED, JobState.FAILED, JobState.CANCELLED}
    ),
    JobState.DELIVERING: frozenset({JobState.DELIVERED, JobState.REFUSED}),
    # Only on request, or when what had changed is as it was before.
    JobState.FAILED: frozenset({JobState.QUEUED}),
    JobState.CANCELLED: frozenset({JobState.QUEUED}),
    JobState.DELIVERED: frozenset({JobState.DELIVERING}),
    JobState.REFUSED: frozenset({JobState.DELIVERING}),
}
"""From each state the states that may follow; docs/architecture.md draws it."""

HELD = (JobState.RUNNING, JobState.VERIFYING)
"""The states in which a worker has the job in hand, under a lease."""

CANCEL_ASKED = "cancel-asked"
"""The kind of the event that says who wants a job that is in hand to end."""


class IllegalTransitionError(RuntimeError):
    """A job cannot go from the state that it is in to the one asked for."""


class UnknownJobError(ValueError):
    """There is no job of that number."""


def job_of(session: Session, job_id: int) -> Job:
    """Return a job. Raises :class:`UnknownJobError`."""
    job = session.get(Job, job_id)
    if job is None:
        raise UnknownJobError(f"there is no job {job_id}")
    return job


def change(session: Session, job: Job, state: JobState, text: str, **data: object) -> None:
    """Lead a job on, with one event that has ``text`` for people, and tell its study.

    Raises :class:`IllegalTransitionError` where :data:`TRANSITIONS` does not have it.
    """
    before = job.state
    if state not in TRANSITIONS[before]:
        raise IllegalTransitionError(f"job {job.id} cannot go from {before.value} to {state.value}")
    job.state = state
    if state not in HELD:
        job.lease_owner = job.lease_expires = None
        job.cancel_requested = False
    job.finished = now() if state.is_final else None
    record(session, state.value, text, study=job.study_instance_uid, job=job.id, before=before.value, **data)
    tell_study(session, job)


def queue_anew(session: Session, job: Job, text: str, **data: object) -> None:
    """Queue a job that had ended, with all its attempts before it, behind those that wait already."""
    job.attempts = job.overtaken = 0
    job.failures = {}
    job.not_before = now()
    job.reason = job.detail = ""
    change(session, job, JobState.QUEUED, text, **data)


def cancel_held(session: Session, job: Job, text: str, **data: object) -> None:
    """End a job that a person asked to cancel while a worker had it in hand."""
    asked = select(Event).where(Event.job_id == job.id, Event.kind == CANCEL_ASKED).order_by(Event.id.desc()).limit(1)
    job.reason, job.detail = FailureKind.CANCELLED.value, f"by {session.scalars(asked).one().data['asked_by']}"
    change(session, job, JobState.CANCELLED, f"cancelled: {text}", **data)


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(timezone.utc)
