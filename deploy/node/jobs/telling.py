"""What a job has come to, for people, and in its study's outcome."""

from __future__ import annotations

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from deploy.node.database import Delivery, Job, JobState, Study
from deploy.node.failure import FailureKind
from operators.refused import Reason

_GAVE_WAY = (FailureKind.OUTDATED.value, FailureKind.SUPERSEDED.value)


def describe(job: Job) -> str:
    """Return what a job has come to, in one sentence for people."""
    if job.state is JobState.REFUSED or (job.state is JobState.DELIVERING and job.reason):
        return f"not analysed: {Reason(job.reason).meaning}: {job.detail}"
    if job.state in (JobState.DELIVERED, JobState.DELIVERING):
        return job.detail or "analysed"
    if job.state is JobState.FAILED:
        return f"not analysed: {why(job)} ({job.attempts} attempts)"
    if job.state is JobState.CANCELLED:
        return f"not analysed: {why(job)}"
    if job.reason == FailureKind.NOT_CONFIGURED.value:
        return f"not analysed yet: {why(job)}"
    paused = "; paused" if job.paused else ""
    if job.reason:
        return f"{why(job)}; to be tried again (attempt {job.attempts + 1}){paused}"
    return f"{job.state.value}{paused}"


def why(job: Job) -> str:
    """Return why a job came to nothing, in one line."""
    # The last line of a traceback is the one that names the error.
    lines = job.detail.strip().splitlines()
    return f"{FailureKind(job.reason).meaning}: {lines[-1] if lines else 'no detail'}"


def tell_study(session: Session, job: Job) -> None:
    """Write into the study what the latest job of each app has come to; one that gave way only if there is no other."""
    session.flush()
    others = session.scalars(select(Job).where(Job.study_instance_uid == job.study_instance_uid)).all()
    latest = {other.app: other for other in sorted(others, key=lambda other: (other.reason not in _GAVE_WAY, other.id))}
    study = session.get_one(Study, job.study_instance_uid)
    study.outcome = "\n".join(
        f"{app}: {describe(other)}{_undelivered(session, other)}" for app, other in sorted(latest.items())
    )


def _undelivered(session: Session, job: Job) -> str:
    """Whether results of a job are on their way, or why they cannot even be sent, as the outbox says."""
    if job.state is not JobState.DELIVERING:
        return ""
    refused = and_(Delivery.attempts > 0, Delivery.stored.is_(None), Delivery.delivered.is_(None))
    waiting = select(Delivery.status).where(Delivery.job_id == job.id, or_(Delivery.held.is_(True), refused)).distinct()
    told = sorted(status.removeprefix("not sent ") for status in session.scalars(waiting))
    return "".join(f"; not sent: {status}" for status in told) or "; not yet delivered"
