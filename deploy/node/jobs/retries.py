"""Failures: which are tried again, how often and when; and what is said when a study or an app goes wrong again and
again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from deploy.node.database import Event, Job, JobState
from deploy.node.events import record
from deploy.node.failure import FailureKind
from deploy.node.jobs.telling import why
from deploy.node.jobs.transitions import cancel_held, change, now

FAILED_IN_A_ROW = 5
"""After so many different studies failed one after another, an event says that it is the app that fails."""


@dataclass(frozen=True)
class Retry:
    """How a kind of failure is tried again.

    The n-th failure of the kind is tried again after ``first_seconds`` x ``factor`` ** (n - 1), at most
    ``longest_seconds``. ``counted`` ones together may be as many as the app's ``maximum_attempts``; of others there may
    be ``most``, None for any number.
    """

    counted: bool
    most: int | None
    first_seconds: float
    factor: float
    longest_seconds: float

    def delay(self, failures: int) -> float:
        """Return the seconds to wait after so many failures of the kind."""
        # The exponent is limited as well: after weeks the power alone would overflow.
        return min(self.first_seconds * self.factor ** min(failures - 1, 60), self.longest_seconds)


_FEW = Retry(counted=True, most=None, first_seconds=10.0, factor=2.0, longest_seconds=600.0)
# What else uses the machine may have gone by then.
_FEW_LATER = Retry(counted=True, most=None, first_seconds=60.0, factor=4.0, longest_seconds=1800.0)

RETRIES: Mapping[FailureKind, Retry] = {
    FailureKind.CRASHED: _FEW,
    FailureKind.OUT_OF_MEMORY: _FEW_LATER,
    FailureKind.TIMED_OUT: _FEW_LATER,
    FailureKind.RAISED: _FEW,
    FailureKind.VERIFICATION: _FEW,
    # A file that is missing or damaged stays so.
    FailureKind.STORAGE: _FEW,
    FailureKind.NODE: _FEW,
    # Nothing is wrong with the job: it waits for space.
    FailureKind.DISK_FULL: Retry(counted=False, most=None, first_seconds=10.0, factor=2.0, longest_seconds=300.0),
    # The node or the machine was stopped. A study that brings them down itself must end some time.
    FailureKind.LOST_LEASE: Retry(counted=False, most=20, first_seconds=0.0, factor=1.0, longest_seconds=0.0),
}
"""A kind that is not here is never tried again."""

_ENDS_THE_PROCESS = (FailureKind.CRASHED, FailureKind.OUT_OF_MEMORY, FailureKind.TIMED_OUT, FailureKind.LOST_LEASE)


def fail_job(
    session: Session,
    job: Job,
    kind: FailureKind,
    detail: str,
    maximum_attempts: int,
    retries: Mapping[FailureKind, Retry] = RETRIES,
) -> None:
    """An attempt came to nothing: queue the job again for later or, after the last attempt, give it up.

    A job that a person has asked to cancel is cancelled.
    """
    job.failures = {**job.failures, kind.value: job.failures.get(kind.value, 0) + 1}
    job.reason, job.detail = kind.value, detail
    data = {"kind_of_failure": kind.value, "detail": detail, "attempt": job.attempts}
    retry = retries.get(kind)
    if job.cancel_requested:
        cancel_held(session, job, f"meanwhile {why(job)}", **data)
    elif retry is None or _is_last(job, kind, retry, maximum_attempts, retries):
        change(session, job, JobState.FAILED, f"failed: {why(job)}", **data)
        _raise_alarm(session, job, kind)
    else:
        delay = retry.delay(job.failures[kind.value])
        job.not_before = now() + timedelta(seconds=delay)
        change(session, job, JobState.QUEUED, f"{why(job)}; tried again in {delay:g} s", **data)


def _is_last(
    job: Job, kind: FailureKind, retry: Retry, maximum_attempts: int, retries: Mapping[FailureKind, Retry]
) -> bool:
    if not retry.counted:
        return retry.most is not None and job.failures[kind.value] >= retry.most
    counted = sum(job.failures.get(other.value, 0) for other, each in retries.items() if each.counted)
    return counted >= maximum_attempts


def _raise_alarm(session: Session, job: Job, kind: FailureKind) -> None:
    """Say it where a study ended the app's process each time, and where an app fails one study after another."""
    if kind in _ENDS_THE_PROCESS:
        record(
            session,
            "poison-study",
            f"{job.app} ended {job.attempts} times over this study, which is not tried any more; its other jobs go on",
            study=job.study_instance_uid,
            job=job.id,
        )
    if kind is FailureKind.OUTDATED:
        return
    of_app = select(Event).join(Job, Job.id == Event.job_id).where(Job.app == job.app)
    went_well = of_app.where(Event.kind.in_([JobState.DELIVERING.value, JobState.REFUSED.value]))
    last = session.scalar(went_well.with_only_columns(func.max(Event.id))) or 0
    failed = of_app.where(Event.kind == JobState.FAILED.value, Event.id > last)
    studies = [
        event.study_instance_uid
        for event in session.scalars(failed)
        if event.data["kind_of_failure"] != FailureKind.OUTDATED.value
    ]
    count = len(set(studies))
    if count % FAILED_IN_A_ROW == 0 and studies.count(job.study_instance_uid) == 1:
        record(
            session,
            "app-failing",
            f"{job.app} has failed on {count} studies one after another, the last time: {why(job)}; "
            f"'gantry apps pause {job.app}' keeps its jobs until it is repaired",
            study=job.study_instance_uid,
            job=job.id,
        )
