"""The files in the outbox: when they may go, and sending them once more."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from deploy.node.database import Delivery, Job
from deploy.node.jobs import begin_redelivery

FOLDER_NAME = "outbox"
"""Below the data folder; ``outbox/<job>/`` holds the job's result objects."""


def deliverable_files_done(session: Session, job_id: int) -> bool:
    """Whether the outbox needs a job's files no more: the job has ended, and every destination has each of them.

    Where a destination commits itself, it has an instance once it has done so.
    """
    undelivered = select(Delivery.id).where(Delivery.job_id == job_id, Delivery.delivered.is_(None)).limit(1)
    return session.get_one(Job, job_id).state.is_final and session.scalars(undelivered).first() is None


def redeliver(session: Session, job_id: int, data_folder: Path, *, asked_by: str) -> int:
    """Send the results of an ended job to its destinations once more; return how many deliveries are due again.

    Raises what :func:`deploy.node.jobs.begin_redelivery` raises, and :class:`FileNotFoundError` where retention has
    deleted a file: then nothing is changed.
    """
    rows = list(session.scalars(select(Delivery).where(Delivery.job_id == job_id)))
    for row in rows:
        path = data_folder / FOLDER_NAME / row.path
        if not path.is_file():
            raise FileNotFoundError(f"{path} is not there any more: results are kept for disk.keep_delivered_days")
    begin_redelivery(session, job_id, asked_by=asked_by)
    now = datetime.now(timezone.utc)
    for row in rows:
        row.delivered = row.stored = row.committed = row.commitment_asked = None
        row.attempts = 0
        row.not_before = now
        row.status = ""
    return len(rows)
