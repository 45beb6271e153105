"""Storage commitment of results: a result counts as delivered only when its destination has committed itself to it.

All of a job's results for a destination are asked for together, once they are stored there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta, timezone

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session, aliased

from deploy.node.database import Database, Delivery, Job
from deploy.node.events import record
from deploy.node.jobs import conclude_delivery
from deploy.node.outbox.backoff import Backoff
from deploy.node.send import FAILURE_REASONS, transaction_uid

_DUPLICATE_TRANSACTION = 0x0131
_UNCOMMITTED = Backoff(5.0, 900.0)
"""When to send again what the destination does not commit itself to."""


def due_for_commitment(session: Session, destination: str, now: datetime) -> list[list[Delivery]]:
    """Return what is stored at a destination and to be asked for now, by job.

    It has not been asked for yet, or no report has come in time. A job is asked for as a whole, but for results that
    the destination did not take and that wait for another try.
    """
    other = aliased(Delivery)
    unsent = exists().where(
        other.job_id == Delivery.job_id,
        other.destination == destination,
        other.stored.is_(None),
        other.delivered.is_(None),
        or_(other.attempts == 0, other.not_before <= now),
    )
    stored = (
        select(Delivery)
        .where(
            Delivery.destination == destination,
            Delivery.delivered.is_(None),
            Delivery.stored.is_not(None),
            Delivery.not_before <= now,
            ~unsent,
        )
        .order_by(Delivery.job_id, Delivery.id)
    )
    by_job: dict[int, list[Delivery]] = {}
    for row in session.scalars(stored):
        by_job.setdefault(row.job_id, []).append(row)
    return list(by_job.values())


def begin_request(
    session: Session, deliveries: Sequence[Delivery], now: datetime, commitment_seconds: float
) -> str | None:
    """Write down that commitment is asked for and return the Transaction UID, before the destination hears of it.

    Without a report within ``commitment_seconds`` it is asked for again, under another one. Returns None if a report
    has come meanwhile.
    """
    rows = [session.get_one(Delivery, row.id) for row in deliveries]
    if any(row.delivered is not None or row.stored is None for row in rows):
        return None
    earlier = " ".join(sorted({row.transaction_uid or "" for row in rows}))
    transaction = transaction_uid(rows[0].destination, [row.sop_instance_uid for row in rows], earlier)
    for row in rows:
        row.transaction_uid = transaction
        row.commitment_asked = now
        row.not_before = now + timedelta(seconds=commitment_seconds)
    job = session.get_one(Job, rows[0].job_id)
    again = " again, as no report has come" if earlier else ""
    record(
        session,
        "commitment-asked",
        f"{rows[0].destination} is asked to commit itself to {len(rows)} objects{again}",
        study=job.study_instance_uid,
        job=job.id,
        destination=rows[0].destination,
        transaction_uid=transaction,
    )
    return transaction


def keep_refused_request(session: Session, transaction: str, now: datetime, status: int, backoff: Backoff) -> None:
    """The destination does not take the request: ask again later."""
    rows = list(session.scalars(select(Delivery).where(Delivery.transaction_uid == transaction)))
    text = f"refuses storage commitment: {status:04X} {FAILURE_REASONS.get(status, '')}".strip()
    for row in rows:
        row.attempts += 1
        row.not_before = now + backoff.after(row.attempts)
        row.status = text
    if rows:
        job = session.get_one(Job, rows[0].job_id)
        text = f"{rows[0].destination} {text}; asked again later"
        record(
            session, "not-committed", text, study=job.study_instance_uid, job=job.id, destination=rows[0].destination
        )


def take_commitment_report(
    database: Database, transaction_uid: str, committed: Collection[str], failed: Mapping[str, int]
) -> bool:
    """Take a destination's report (PS3.4 J.3.3): SOP Instance UIDs, those that failed with their Failure Reason.

    What is committed is delivered; what failed is sent again; what is not mentioned stays asked for. May be called
    from any process. Returns whether the transaction is known.
    """
    now = datetime.now(timezone.utc)
    with database.write() as session:
        waiting = select(Delivery).where(Delivery.transaction_uid == transaction_uid).order_by(Delivery.id)
        rows = list(session.scalars(waiting))
        if not rows:
            return False
        open_rows = [row for row in rows if row.stored is not None and row.delivered is None]
        kept = [row for row in open_rows if row.sop_instance_uid in committed and row.sop_instance_uid not in failed]
        lost = [row for row in open_rows if row.sop_instance_uid in failed]
        for row in kept:
            row.committed = row.delivered = now
        for row in lost:
            _keep_failure(row, failed[row.sop_instance_uid], now)
        job = session.get_one(Job, rows[0].job_id)
        name = rows[0].destination
        if kept:
            text = f"{name} has committed itself to {len(kept)} objects"
            record(session, "committed", text, study=job.study_instance_uid, job=job.id, destination=name)
        for row in lost:
            text = f"{name}: {row.path}: {row.status}"
            record(session, "not-committed", text, study=job.study_instance_uid, job=job.id, destination=name)
        conclude_delivery(session, job.id)
    return True


def _keep_failure(row: Delivery, reason: int, now: datetime) -> None:
    row.attempts += 1
    row.status = f"not committed: {reason:04X} {FAILURE_REASONS.get(reason, 'unknown reason')}"
    row.not_before = now + _UNCOMMITTED.after(row.attempts)
    # Nothing is wrong with the instance then: another transaction does.
    if reason != _DUPLICATE_TRANSACTION:
        row.stored = None
        row.status += "; sent again"
