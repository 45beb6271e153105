"""The outbox: one queue and one thread for each destination, so that none waits for another.

Files wait in ``outbox/<job>/``. What cannot be delivered is tried again for ever, later each time.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from deploy.node.bell import Bell
from deploy.node.config import DestinationConfig
from deploy.node.database import Database, Delivery, Job
from deploy.node.events import record
from deploy.node.jobs import conclude_delivery
from deploy.node.send import DestinationError, Peer, SentInstance, send_files

FOLDER_NAME = "outbox"

_BATCH = 100
"""Instances that are sent over one association."""


class DestinationQueue:
    """Delivers what is queued for one destination, job by job."""

    def __init__(
        self, name: str, config: DestinationConfig, database: Database, data_folder: Path, *, calling_ae_title: str
    ) -> None:
        self.bell = Bell()
        self._name = name
        self._config = config
        self._database = database
        self._folder = data_folder / FOLDER_NAME
        self._peer = Peer(config.host, config.port, config.ae_title, calling_ae_title)

    def run(self, stop: threading.Event) -> None:
        """Deliver until ``stop`` is set."""
        self.bell.work_until(stop, self.deliver_due)

    def deliver_due(self) -> bool:
        """Send what is due now over one association; return whether anything was due."""
        with self._database.read() as session:
            due = {self._folder / row.path: row.id for row in session.scalars(self._due(_now()).limit(_BATCH))}
        if not due:
            return False
        try:
            send_files(due, self._peer, on_progress=lambda sent: self._keep_answer(due[sent.path], sent))
        except DestinationError as error:
            if error.path is None:
                self._postpone_due(str(error))
            else:
                self._postpone_one(due[error.path], str(error))
        return True

    def _due(self, now: datetime) -> Select[Delivery]:
        return (
            select(Delivery)
            .where(Delivery.destination == self._name, Delivery.delivered.is_(None), Delivery.not_before <= now)
            .order_by(Delivery.job_id, Delivery.id)
        )

    def _keep_answer(self, delivery_id: int, sent: SentInstance) -> None:
        with self._database.write() as session:
            row = session.get_one(Delivery, delivery_id)
            job = session.get_one(Job, row.job_id)
            row.attempts += 1
            row.status = str(sent)
            if sent.delivered:
                row.delivered = _now()
                text = f"{self._name} has stored {row.path}: {sent}"
                record(session, "sent", text, study=job.study_instance_uid, job=job.id, destination=self._name)
                conclude_delivery(session, job.id)
            else:
                delay = self._postpone(row)
                text = f"{self._name} has not stored {row.path}: {sent}; tried again in {delay:g} s"
                record(session, "not-sent", text, study=job.study_instance_uid, job=job.id, destination=self._name)

    def _postpone_one(self, delivery_id: int, reason: str) -> None:
        """The association ended at this instance, perhaps because of it: it must not hold up what comes after it."""
        with self._database.write() as session:
            row = session.get_one(Delivery, delivery_id)
            job = session.get_one(Job, row.job_id)
            row.attempts += 1
            row.status = reason
            text = f"{row.path}: {reason}; tried again in {self._postpone(row):g} s"
            record(session, "not-sent", text, study=job.study_instance_uid, job=job.id, destination=self._name)

    def _postpone_due(self, reason: str) -> None:
        """Nothing can be sent now: also what is due, but was not in the batch, has to wait."""
        with self._database.write() as session:
            delay = 0.0
            rows = list(session.scalars(self._due(_now())))
            for row in rows:
                row.attempts += 1
                row.status = reason
                delay = max(delay, self._postpone(row))
            record(
                session,
                "destination-unreachable",
                f"{reason}; {len(rows)} instances wait and are tried again within {delay:g} s",
                destination=self._name,
            )

    def _postpone(self, row: Delivery) -> float:
        # The exponent is limited as well: after weeks the power alone would overflow.
        factor = 2 ** min(row.attempts - 1, 30)
        delay = min(self._config.first_retry_seconds * factor, self._config.longest_retry_seconds)
        row.not_before = _now() + timedelta(seconds=delay)
        return delay


def record_orphans(session: Session, destinations: set[str]) -> None:
    """Record what waits for a destination that is no longer configured: it is kept, but cannot be sent.

    It stands as the last answer of each delivery too, and goes out when the destination is configured again.
    """
    waiting = select(Delivery).where(Delivery.delivered.is_(None), Delivery.destination.not_in(destinations))
    rows = list(session.scalars(waiting))
    for row in rows:
        row.status = f"{row.destination} is not configured"
    for name in sorted({row.destination for row in rows}):
        count = sum(row.destination == name for row in rows)
        record(
            session, "no-destination", f"{count} instances wait for {name}, which is not configured", destination=name
        )


def _now() -> datetime:
    return datetime.now(timezone.utc)
