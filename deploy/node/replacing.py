"""Late images: which job replaces which, and which results its own name as replaced."""

from __future__ import annotations

from pathlib import PurePosixPath

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session, aliased

from deploy.node.database import Delivery, Job, JobState
from operators.provenance import ReplacedResult, result_uid

_WITHOUT_RESULTS = (JobState.QUEUED, JobState.RUNNING, JobState.VERIFYING)
"""States in which the results of a job are still to come."""


def latest_job(session: Session, study_instance_uid: str, app: str) -> Job | None:
    """Return the app's newest job on a study: the one that a new job replaces."""
    jobs = select(Job).where(Job.study_instance_uid == study_instance_uid, Job.app == app).order_by(Job.id.desc())
    return session.scalars(jobs.limit(1)).first()


def put_last(session: Session, job: Job) -> None:
    """Have a job that gave way to others, and is taken up again, replace the newest of them instead."""
    newest = latest_job(session, job.study_instance_uid, job.app)
    if newest is None or newest is job:
        return
    for other in session.scalars(select(Job).where(Job.replaces_job_id == job.id)).all():
        other.replaces_job_id = job.replaces_job_id
    job.replaces_job_id = newest.id
    # It has left no results under the names that it had fixed.
    job.replaces = None


def waits_for_replaced() -> ColumnElement[bool]:
    """Whether a job replaces one whose results are still to come, as a condition on ``Job``."""
    earlier = aliased(Job)
    return exists().where(earlier.id == Job.replaces_job_id, earlier.state.in_(_WITHOUT_RESULTS))


def is_replaced() -> ColumnElement[bool]:
    """Whether another job is to take the place of one, as a condition on ``Job``."""
    later = aliased(Job)
    return exists().where(later.replaces_job_id == Job.id, later.state.not_in((JobState.CANCELLED, JobState.FAILED)))


def fixed_replaces(session: Session, job: Job) -> tuple[ReplacedResult, ...]:
    """Return the results that those of a job replace: of each output the newest there is.

    Determined when the job begins for the first time, and kept: a second run names the same. A job on the way may have
    left nothing (failed, cancelled) or less (refused): what stands in the study may be of one before it.
    """
    if job.replaces is None:
        found: dict[str, list[str]] = {}
        earlier = _replaced(session, job)
        while earlier is not None:
            for result in _results(session, earlier):
                found.setdefault(result[0], result)
            earlier = _replaced(session, earlier)
        job.replaces = list(found.values())
    return tuple(ReplacedResult(*result) for result in job.replaces)


def _replaced(session: Session, job: Job) -> Job | None:
    return session.get(Job, job.replaces_job_id) if job.replaces_job_id is not None else None


def _results(session: Session, job: Job) -> list[list[str]]:
    deliveries = select(Delivery.path, Delivery.sop_class_uid, Delivery.sop_instance_uid).where(
        Delivery.job_id == job.id
    )
    outputs = [(PurePosixPath(path).stem, *uids) for path, *uids in session.execute(deliveries.order_by(Delivery.id))]
    return [
        [output, sop_class, sop_instance, result_uid(job.input_digest, f"{output}/series")]
        for output, sop_class, sop_instance in outputs
    ]
