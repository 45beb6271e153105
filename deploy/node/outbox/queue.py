"""The queue of one destination: what is due is sent in order, and what cannot be sent is tried again for ever."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path

from pydicom.dataset import Dataset
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from deploy.node.bell import Bell
from deploy.node.config import DestinationConfig
from deploy.node.database import Database, Delivery, DestinationState, Job
from deploy.node.events import log, record
from deploy.node.jobs import conclude_delivery
from deploy.node.jobs.telling import tell_study
from deploy.node.outbox.backoff import Backoff
from deploy.node.outbox.circuit import OPENS_AFTER, Circuit, circuit_of, failures_of, keep_failure, keep_success
from deploy.node.outbox.commitment import (
    begin_request,
    due_for_commitment,
    keep_refused_request,
    take_commitment_report,
)
from deploy.node.outbox.retention import FOLDER_NAME
from deploy.node.outbox.senders import sender_for
from deploy.node.send import CommittingSender, DestinationError, SentInstance, read_report

_BATCH = 100
"""Deliveries that are looked up at once."""

_LINGER_SECONDS = 3.0
"""How long an association stays open when nothing is due: for the next job, and for reports of storage commitment."""

_LISTEN_SECONDS = 0.1
_PROCESSING_FAILURE = 0x0110

_STUMBLES = 4
"""Stumbles in a row at one instance, after which another one is tried."""


class DestinationQueue:
    """Delivers what is queued for one destination, job by job; :meth:`run` in a thread of its own.

    ``clock`` and ``draw`` (a number from 0 to 1) are for tests.
    """

    def __init__(
        self,
        name: str,
        config: DestinationConfig,
        database: Database,
        data_folder: Path,
        *,
        calling_ae_title: str,
        clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.bell = Bell()
        self._name = name
        self._config = config
        self._database = database
        self._folder = data_folder / FOLDER_NAME
        self._clock = clock
        self._backoff = Backoff.of(config, draw)
        self._sender = sender_for(config, calling_ae_title, on_event=self._take_event)
        self._stopped = False
        self._used = time.monotonic()
        # The delivery at which the destination stumbles, and how often in a row: it may be at fault itself.
        self._suspect: int | None = None
        self._stumbles = 0
        # Those that are: the destination answered to others just then.
        self._convicted: set[int] = set()

    def run(self, stop: threading.Event) -> None:
        """Deliver until ``stop`` is set."""
        try:
            self.bell.work_until(stop, lambda: self.deliver_due() or self.linger())
        finally:
            self.close()

    def hang_up(self) -> None:
        """Give up what is being sent, from another thread; it is sent again after the next start."""
        self._stopped = True
        self._sender.hang_up()
        self.bell.ring()

    def close(self) -> None:
        """End the association that is kept open for what may come next."""
        self._sender.close()

    def deliver_due(self) -> bool:
        """Send what is due now, and ask for the commitment that is due; return whether anything was."""
        now = self._clock()
        with self._database.read() as session:
            circuit = circuit_of(session.get(DestinationState, self._name), now)
            if circuit in (Circuit.OPEN, Circuit.WAITING):
                return False
            rows = list(session.scalars(self._due(now).limit(1 if circuit is Circuit.TRIAL else _BATCH)))
        if rows:
            self._send(rows)
        asked = self._config.storage_commitment and self._ask_for_due_commitment()
        if rows or asked:
            self._used = time.monotonic()
        return bool(rows) or asked

    def _due(self, now: datetime) -> Select[Delivery]:
        return (
            select(Delivery)
            .where(
                Delivery.destination == self._name,
                Delivery.delivered.is_(None),
                Delivery.stored.is_(None),
                Delivery.not_before <= now,
            )
            .order_by(Delivery.job_id, Delivery.id)
        )

    def linger(self) -> bool:
        """Keep the association a while, and listen to the destination; return whether it is still open."""
        if not self._sender.is_open:
            return False
        if self._sender.listen(_LISTEN_SECONDS):
            self._used = time.monotonic()
        elif time.monotonic() - self._used > _LINGER_SECONDS:
            self._sender.close()
        return True

    def _send(self, rows: Sequence[Delivery]) -> None:
        by_path = {self._folder / row.path: row.id for row in rows}
        try:
            for sent in self._sender.send(list(by_path)):
                if sent.out_of_resources:
                    self._stumbled(by_path[sent.path], str(sent), None)
                    return
                self._keep_answer(by_path[sent.path], sent)
        except DestinationError as error:
            if self._stopped:
                return
            if error.path is None:
                self._keep_failure(rows[0].id, str(error), error.retry_after)
            else:
                self._stumbled(by_path[error.path], str(error), error.retry_after)

    def _stumbled(self, delivery_id: int, problem: str, retry_after: float | None) -> None:
        """The destination ended the association at an instance, or has no room for it.

        It is tried again, before all others, as order is kept. If it comes to the same again and again, the next
        instance tells whose fault it is: if that one is answered, this one must not hold up what comes after it.
        """
        if delivery_id in self._convicted:
            self._postpone(delivery_id, problem)
            return
        self._stumbles = self._stumbles + 1 if self._suspect == delivery_id else 1
        self._suspect = delivery_id
        if self._asks_another():
            with self._database.read() as session:
                other = session.scalars(self._due(self._clock()).where(Delivery.id != delivery_id).limit(1)).first()
            if other is not None and self._takes(other):
                self._suspect = None
                self._convicted.add(delivery_id)
                self._postpone(delivery_id, problem)
                return
        self._keep_failure(delivery_id, problem, retry_after)

    def _asks_another(self) -> bool:
        # At the 4th, 8th, 16th ... time: an outage that ends between the two would let the other one overtake.
        return self._stumbles >= _STUMBLES and self._stumbles & (self._stumbles - 1) == 0

    def _takes(self, row: Delivery) -> bool:
        """Whether the destination answers to this instance."""
        answered = False
        try:
            for sent in self._sender.send([self._folder / row.path]):
                if sent.out_of_resources:
                    return False
                self._keep_answer(row.id, sent)
                answered = sent.status is not None
        except DestinationError as error:
            log("not-sent", f"{row.path}: {error}", destination=self._name)
            return False
        return answered

    def _keep_answer(self, delivery_id: int, sent: SentInstance) -> None:
        now = self._clock()
        with self._database.write() as session:
            row = session.get_one(Delivery, delivery_id)
            job = session.get_one(Job, row.job_id)
            row.attempts += 1
            row.status = str(sent)
            if sent.delivered:
                row.stored = now
                if not self._config.storage_commitment:
                    row.delivered = now
                text = f"{self._name} has stored {row.path}: {sent}"
                record(session, "sent", text, study=job.study_instance_uid, job=job.id, destination=self._name)
                conclude_delivery(session, job.id)
            else:
                self._try_later(session, row, f"{self._name} has not stored {row.path}: {sent}")
            # That one kind is not accepted tells nothing of what the destination does with the others.
            if sent.status is not None and keep_success(session, self._name):
                record(session, "destination-back", f"{self._name} answers again", destination=self._name)
        if sent.delivered:
            self._convicted.discard(delivery_id)
            self._suspect = None if self._suspect == delivery_id else self._suspect

    def _postpone(self, delivery_id: int, problem: str) -> None:
        """One instance that the destination cannot take: it waits, and holds up no other."""
        with self._database.write() as session:
            row = session.get_one(Delivery, delivery_id)
            row.attempts += 1
            row.status = problem
            self._try_later(session, row, f"{row.path}: {problem}")

    def _try_later(self, session: Session, row: Delivery, problem: str) -> None:
        """Let one delivery wait for its next try, and say so in the log and in its study."""
        wait = self._backoff.after(row.attempts)
        row.not_before = self._clock() + wait
        job = session.get_one(Job, row.job_id)
        text = f"{problem}; tried again in {wait.total_seconds():.3g} s"
        record(session, "not-sent", text, study=job.study_instance_uid, job=job.id, destination=self._name)
        tell_study(session, job)

    def _keep_failure(self, delivery_id: int, problem: str, retry_after: float | None) -> None:
        """The destination itself has failed: everything waits, the first of it with the reason."""
        now = self._clock()
        with self._database.write() as session:
            row = session.get_one(Delivery, delivery_id)
            row.attempts += 1
            row.status = problem
            failures = failures_of(session, self._name) + 1
            wait = self._backoff.after(failures, at_least_seconds=retry_after)
            keep_failure(session, self._name, problem, now, wait)
            unsent = select(func.count()).where(
                Delivery.destination == self._name, Delivery.delivered.is_(None), Delivery.stored.is_(None)
            )
            then = "tried again with one of them" if failures >= OPENS_AFTER else "tried again"
            record(
                session,
                "destination-unreachable",
                f"{problem}; {session.scalar(unsent)} instances wait and are {then} in {wait.total_seconds():.3g} s",
                destination=self._name,
                failures=failures,
            )

    def _ask_for_due_commitment(self) -> bool:
        """Ask for what is stored by now; return whether there was anything to ask for."""
        now = self._clock()
        with self._database.read() as session:
            if circuit_of(session.get(DestinationState, self._name), now) in (Circuit.OPEN, Circuit.WAITING):
                return False
            jobs = due_for_commitment(session, self._name, now)
        for deliveries in jobs:
            if not self._ask_for_commitment(deliveries):
                break
        return bool(jobs)

    def _ask_for_commitment(self, deliveries: Sequence[Delivery]) -> bool:
        """Ask for one job's results; return whether the destination answered."""
        # The configuration allows it only where it can be asked for.
        assert isinstance(self._sender, CommittingSender)
        with self._database.write() as session:
            transaction = begin_request(session, deliveries, self._clock(), self._config.commitment_seconds)
        if transaction is None:
            return True
        try:
            status = self._sender.commit(transaction, [(row.sop_class_uid, row.sop_instance_uid) for row in deliveries])
        except DestinationError as error:
            if not self._stopped:
                self._keep_failure(deliveries[0].id, str(error), error.retry_after)
                with self._database.write() as session:
                    for row in deliveries:
                        session.get_one(Delivery, row.id).not_before = self._clock()
            return False
        with self._database.write() as session:
            keep_success(session, self._name)
            if status != 0:
                keep_refused_request(session, transaction, self._clock(), status, self._backoff)
        return True

    def _take_event(self, command: Dataset, data_set: Dataset) -> int:
        """Take a report of storage commitment that comes over the queue's own association."""
        try:
            report = read_report(data_set)
        except ValueError as error:
            log("commitment-unreadable", str(error), destination=self._name)
            return _PROCESSING_FAILURE
        known = take_commitment_report(self._database, report.transaction_uid, report.committed, report.failed)
        return 0 if known else _PROCESSING_FAILURE
