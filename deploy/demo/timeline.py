"""What the node has done with one study, and when, from its event log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from deploy.node.database import Database, Delivery, Event, Job, JobState, Study


@dataclass(frozen=True)
class Step:
    """One event: its number in the log, its kind, when it was and what happened."""

    number: int
    kind: str
    at: datetime
    text: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Progress:
    """How far the node is: the events so far, the study's outcome, and the state of its one job, if there is one."""

    steps: tuple[Step, ...]
    decided: bool
    outcome: str
    job_id: int | None
    state: JobState | None


def read_progress(database: Database, study_instance_uid: str) -> Progress:
    """Return what the node says about a study just now; nothing at all before its first image is indexed."""
    with database.read() as session:
        study = session.get(Study, study_instance_uid)
        events = session.scalars(
            select(Event).where(Event.study_instance_uid == study_instance_uid).order_by(Event.id)
        ).all()
        job = session.scalars(
            select(Job).where(Job.study_instance_uid == study_instance_uid).order_by(Job.id.desc()).limit(1)
        ).first()
        return Progress(
            steps=tuple(Step(event.id, event.kind, event.at, event.text, dict(event.data)) for event in events),
            decided=study is not None and study.decided is not None,
            outcome=study.outcome if study is not None else "",
            job_id=job.id if job is not None else None,
            state=job.state if job is not None else None,
        )


def delivered_files(database: Database, job_id: int) -> dict[str, str]:
    """Return the file name in the outbox of each delivered object of a job, by SOP Instance UID."""
    with database.read() as session:
        rows = session.scalars(select(Delivery).where(Delivery.job_id == job_id, Delivery.delivered.is_not(None)))
        return {row.sop_instance_uid: row.path.rpartition("/")[2] for row in rows}
