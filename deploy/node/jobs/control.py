"""What a person, or what came in meanwhile, asks of jobs: each one transaction with an event that says who asked."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from deploy.node.database import Database, Job, JobState, PausedApp
from deploy.node.events import record
from deploy.node.failure import FailureKind
from deploy.node.jobs.telling import tell_study, why
from deploy.node.jobs.transitions import CANCEL_ASKED, HELD, IllegalTransitionError, change, job_of, now, queue_anew

_GAVE_WAY = {(JobState.FAILED, FailureKind.OUTDATED.value), (JobState.CANCELLED, FailureKind.SUPERSEDED.value)}


def pause(database: Database, job_id: int, *, asked_by: str) -> None:
    """Do not begin a job until it is resumed; a run under way goes on.

    Raises :class:`UnknownJobError`, or :class:`IllegalTransitionError` for a job that is not going to begin again.
    """
    with database.write() as session:
        job = job_of(session, job_id)
        if job.state not in (JobState.QUEUED, *HELD):
            raise IllegalTransitionError(f"job {job_id} is {job.state.value}: there is nothing to be paused")
        _set_paused(session, job, True, asked_by)


def resume(database: Database, job_id: int, *, asked_by: str) -> None:
    """Let a paused job begin again. Raises :class:`UnknownJobError`."""
    with database.write() as session:
        _set_paused(session, job_of(session, job_id), False, asked_by)


def pause_app(database: Database, app: str, *, asked_by: str) -> bool:
    """Begin no job of an app until it is resumed; return whether it was not paused before."""
    with database.write() as session:
        if session.get(PausedApp, app) is not None:
            return False
        session.add(PausedApp(app=app, since=now()))
        record(session, "app-paused", f"{app} begins no jobs until it is resumed: {asked_by}", asked_by=asked_by)
        return True


def resume_app(database: Database, app: str, *, asked_by: str) -> bool:
    """Let a paused app begin jobs again; return whether it was paused."""
    with database.write() as session:
        paused = session.get(PausedApp, app)
        if paused is None:
            return False
        session.delete(paused)
        record(session, "app-resumed", f"{app} begins jobs again: {asked_by}", asked_by=asked_by)
        return True


def cancel(database: Database, job_id: int, *, asked_by: str) -> JobState:
    """End a job that waits, at once; ask the worker to end one that it has in hand, within a second.

    Returns the job's state then. Raises :class:`UnknownJobError`, or :class:`IllegalTransitionError` for a job whose
    results are being delivered, or that has ended.
    """
    with database.write() as session:
        job = job_of(session, job_id)
        if job.state is JobState.QUEUED:
            job.reason, job.detail = FailureKind.CANCELLED.value, f"by {asked_by}"
            change(session, job, JobState.CANCELLED, f"cancelled by {asked_by}", asked_by=asked_by)
        elif job.state in HELD:
            job.cancel_requested = True
            text = f"{asked_by} asked to cancel it"
            record(session, CANCEL_ASKED, text, study=job.study_instance_uid, job=job.id, asked_by=asked_by)
        elif job.state is JobState.DELIVERING:
            raise IllegalTransitionError(
                f"job {job_id} cannot be cancelled: its results are on their way, and a part of them may have arrived"
            )
        else:
            raise IllegalTransitionError(f"job {job_id} cannot be cancelled: it is {job.state.value} already")
        return job.state


def retry(database: Database, job_id: int, *, asked_by: str) -> None:
    """Queue a failed or cancelled job again, with all its attempts before it.

    Raises :class:`UnknownJobError`, or :class:`IllegalTransitionError` for another job.
    """
    with database.write() as session:
        job = job_of(session, job_id)
        if job.state is JobState.DELIVERED:
            raise IllegalTransitionError(
                f"job {job_id} is delivered: the same input gives the same objects, so there is nothing to run again; "
                f"'gantry jobs redeliver {job_id}' sends them again"
            )
        if job.state not in (JobState.FAILED, JobState.CANCELLED):
            raise IllegalTransitionError(
                f"only a failed or cancelled job can be tried again; job {job_id} is {job.state.value}"
            )
        queue_anew(session, job, f"queued again by {asked_by}", asked_by=asked_by)


def begin_redelivery(session: Session, job_id: int, *, asked_by: str) -> None:
    """Lead an ended job back to ``delivering``; part of the outbox's transaction that makes its deliveries due again.

    Raises :class:`UnknownJobError`, or :class:`IllegalTransitionError` for a job that has delivered nothing.
    """
    job = job_of(session, job_id)
    if job.state not in (JobState.DELIVERED, JobState.REFUSED) or not job.deliveries:
        raise IllegalTransitionError(f"job {job_id} is {job.state.value} and has nothing to be delivered again")
    change(session, job, JobState.DELIVERING, f"delivered again: {asked_by}", asked_by=asked_by)


def supersede_queued(session: Session, job: Job) -> bool:
    """Cancel a job that still waits, because more images of its study came; return whether it did."""
    if job.state is not JobState.QUEUED:
        return False
    job.reason, job.detail = FailureKind.SUPERSEDED.value, "they are analysed together"
    change(session, job, JobState.CANCELLED, why(job))
    return True


def take_back_outdated(session: Session, job: Job) -> bool:
    """Queue a job again that gave way to another, now that its input, app, model and settings are again the right ones.

    Returns whether it had given way.
    """
    if (job.state, job.reason) not in _GAVE_WAY:
        return False
    queue_anew(session, job, "queued again: input, app, model and settings are those it was made for")
    return True


def record_unconfigured(session: Session, apps: set[str]) -> None:
    """Say what waits for an app that is not configured, in the study too: it runs once the app is configured again."""
    for job in session.scalars(select(Job).where(Job.state == JobState.QUEUED, Job.app.not_in(apps))).all():
        job.reason, job.detail = FailureKind.NOT_CONFIGURED.value, f"the job waits until apps.{job.app} is there again"
        record(session, "no-app", why(job), study=job.study_instance_uid, job=job.id)
        tell_study(session, job)


def _set_paused(session: Session, job: Job, paused: bool, asked_by: str) -> None:
    if job.paused == paused:
        return
    job.paused = paused
    word = "paused" if paused else "resumed"
    text = f"{word} by {asked_by}"
    record(session, f"job-{word}", text, study=job.study_instance_uid, job=job.id, asked_by=asked_by)
    tell_study(session, job)
