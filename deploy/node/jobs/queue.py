"""The queue of an app: which job is next, and taking it.

Jobs go in the order in which they fell due: when they were made, or when a failure is to be tried again. One that
fails again and again so goes behind those that wait. STAT jobs go before all others, but after
:data:`STAT_IN_A_ROW` of them the other one that is due longest has its turn: whatever comes, that one waits for at
most so many STAT jobs for each job that fell due before it, and a STAT job, besides the STAT jobs before it, for
those that run and at most one more. What is paused has no turn.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from deploy.node.database import Database, Job, JobState, PausedApp
from deploy.node.jobs.control import supersede_queued
from deploy.node.jobs.leases import Claim, put_back
from deploy.node.jobs.transitions import HELD, change, now
from deploy.node.replacing import fixed_replaces, is_replaced, waits_for_replaced

STAT_IN_A_ROW = 4
"""How many STAT jobs may be begun before a job that is due as well."""


def claim(database: Database, app: str, *, owner: str, lease_seconds: float) -> Claim | None:
    """Take the app's next due job, or None if there is none.

    Jobs whose lease has expired are put back first. A queued job that another replaces is withdrawn; one that replaces
    a job that is being run waits for it, to name its results.
    """
    expired = select(Job).where(Job.app == app, Job.state.in_(HELD), Job.lease_expires < now())
    replaced = select(Job).where(Job.app == app, Job.state == JobState.QUEUED, is_replaced())
    with database.read() as session:
        nothing_to_clear = all(session.scalars(query.limit(1)).first() is None for query in (expired, replaced))
        if nothing_to_clear and _next(session, app)[0] is None:
            return None
    with database.write() as session:
        for job in session.scalars(expired).all():
            put_back(session, job)
        session.flush()
        for job in session.scalars(replaced).all():
            supersede_queued(session, job)
        session.flush()
        found, overtaken = _next(session, app)
        if found is None:
            return None
        if overtaken is not None:
            overtaken.overtaken += 1
        return _begin(session, found, owner, lease_seconds)


def _next(session: Session, app: str) -> tuple[Job | None, Job | None]:
    """The job that is next, and the one that is due as well and is overtaken by it."""
    if session.get(PausedApp, app) is not None:
        return None, None
    stat = _due_longest(session, app, Job.stat.is_(True))
    other = _due_longest(session, app, Job.stat.is_(False))
    if stat is None or (other is not None and other.overtaken >= STAT_IN_A_ROW):
        return other, None
    return stat, other


def _due_longest(session: Session, app: str, condition: ColumnElement[bool]) -> Job | None:
    due = (
        select(Job)
        .where(Job.app == app, Job.state == JobState.QUEUED, Job.paused.is_(False), condition)
        .where(~waits_for_replaced(), or_(Job.not_before.is_(None), Job.not_before <= now()))
        .order_by(func.coalesce(Job.not_before, Job.started), Job.id)
        .limit(1)
    )
    return session.scalars(due).first()


def _begin(session: Session, job: Job, owner: str, lease_seconds: float) -> Claim:
    job.attempts += 1
    job.overtaken = 0
    job.reason = job.detail = ""
    change(session, job, JobState.RUNNING, f"started {job.app}, attempt {job.attempts}", attempt=job.attempts)
    # Unique to this claim: what an earlier one of the same worker finds out must not be taken for this one's.
    job.lease_owner = f"{owner}:{uuid4().hex[:8]}"
    job.lease_expires = _expiry(lease_seconds)
    return Claim(
        job_id=job.id,
        study_instance_uid=job.study_instance_uid,
        app=job.app,
        input_digest=job.input_digest,
        sop_instance_uids=tuple(job.sop_instance_uids),
        started=job.started,
        attempt=job.attempts,
        owner=job.lease_owner,
        replaces=fixed_replaces(session, job),
    )


def _expiry(lease_seconds: float) -> datetime:
    return now() + timedelta(seconds=lease_seconds)
