"""The node's metrics (Prometheus): read from database and disk when they are asked for.

Names and units follow Prometheus' conventions; counters begin at 0 with each start of the node. ``docs/operations.md``
lists them with alerts.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timezone

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from deploy.node.access import Rejections
from deploy.node.config import NodeConfig
from deploy.node.database import FILE_NAME, Database, Job, JobState, PausedApp, Study
from deploy.node.disk import Space
from deploy.node.disk.fill import disk_samples, seconds_to_level
from deploy.node.outbox import Circuit, destination_statuses
from deploy.node.receive.reports import Received, ReceiveListener, RefusedCaller, RefusedInstance
from deploy.node.spool import Arrival, Spool, StoredInstance
from operators.implementation import IMPLEMENTATION_VERSION_NAME


class ReceiveCounts:
    """Counts what a listener is told, once it has it; itself a :class:`deploy.node.receive.reports.ReceiveListener`."""

    def __init__(self, listener: ReceiveListener) -> None:
        self._listener = listener
        self._lock = threading.Lock()
        self.instances: Counter[Arrival] = Counter()
        self.refused: Counter[int] = Counter()
        self.bytes = 0
        self.associations = 0

    def received(self, batch: Sequence[Received]) -> None:
        """Pass on, and count what did not raise."""
        self._listener.received(batch)
        with self._lock:
            for each in batch:
                if isinstance(each, StoredInstance):
                    self.instances[each.arrival] += 1
                    self.bytes += each.size
                elif isinstance(each, RefusedInstance):
                    self.refused[each.status] += 1
                else:
                    self.associations += 1

    def receiver_died(self, spool: Spool) -> None:
        """Pass on."""
        self._listener.receiver_died(spool)

    def refused_caller(self, refused: RefusedCaller) -> None:
        """Pass on."""
        self._listener.refused_caller(refused)

    def metrics(self) -> Iterator[Metric]:
        """What was received since the start."""
        with self._lock:
            instances, refused, size, associations = (
                self.instances.copy(),
                self.refused.copy(),
                self.bytes,
                self.associations,
            )
        yield _counter(
            "gantry_received_instances",
            "Instances that were acknowledged: new, a duplicate, or other bytes under a known UID.",
            {(arrival.value,): instances[arrival] for arrival in Arrival},
            "arrival",
        )
        yield _counter("gantry_received_bytes", "Bytes of the data sets of these instances.", {(): size})
        yield _counter(
            "gantry_refused_instances",
            "Instances that were not accepted, by the status of the C-STORE response.",
            {(f"{status:04X}",): count for status, count in refused.items()},
            "status",
        )
        yield _counter("gantry_associations", "Associations and STOW-RS requests that have ended.", {(): associations})


class NodeMetrics(Collector):
    """Everything else, as database and file system have it at that moment."""

    def __init__(
        self, config: NodeConfig, database: Database, space: Space, counts: ReceiveCounts, rejections: Rejections
    ) -> None:
        self._database = database
        self._data_folder = config.data_folder
        self._space = space
        self._counts = counts
        self._rejections = rejections
        self._apps = tuple(config.apps)
        self._destinations = tuple(config.destinations)

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: the registry need not read the database to know the names."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Read all. Without a database ``gantry_database_up`` is 0, and what is in it is left out."""
        yield _gauge("gantry_info", "The version of the node.", {(IMPLEMENTATION_VERSION_NAME,): 1}, "version")
        yield from self._counts.metrics()
        yield _counter(
            "gantry_rejected_callers",
            "Associations and requests that were turned away, by reason.",
            {(reason,): count for reason, count in self._rejections.by_reason().items()},
            "reason",
        )
        yield _gauge("gantry_disk_free_bytes", "Room in the data folder.", {(): self._space.free_bytes()})
        yield _gauge("gantry_disk_reserve_bytes", "Below this nothing is accepted.", {(): self._space.reserve_bytes})
        yield _gauge("gantry_database_bytes", "The size of the index.", {(): self._database_bytes()})
        try:
            with self._database.read() as session:
                found = [*self._studies(session), *self._jobs(session), *self._outbox(session), *self._filling(session)]
        except DBAPIError:
            found = []
        yield _gauge("gantry_database_up", "Whether the index could be read.", {(): bool(found)})
        yield from found

    def _studies(self, session: Session) -> Iterator[Metric]:
        count, oldest = session.execute(
            select(func.count(), func.min(Study.last_received)).where(Study.decided.is_(None))
        ).one()
        yield _gauge("gantry_undecided_studies", "Studies that are not decided over yet.", {(): count})
        yield _gauge(
            "gantry_undecided_study_oldest_seconds",
            "Since the last image of the one that waits longest.",
            {(): _age(oldest)},
        )

    def _jobs(self, session: Session) -> Iterator[Metric]:
        counts: dict[tuple[str, ...], int] = {(app, state.value): 0 for app in self._apps for state in JobState}
        for app, state, count in session.execute(select(Job.app, Job.state, func.count()).group_by(Job.app, Job.state)):
            counts[app, state.value] = count
        yield _gauge("gantry_jobs", "Jobs by app and state.", counts, "app", "state")
        queued = select(Job.app, func.min(Job.started)).where(Job.state == JobState.QUEUED).group_by(Job.app)
        ages: dict[tuple[str, ...], float] = {(app,): 0.0 for app in self._apps}
        ages |= {(app,): _age(oldest) for app, oldest in session.execute(queued)}
        yield _gauge("gantry_queued_job_oldest_seconds", "Since the oldest queued job was made.", ages, "app")
        paused = set(session.scalars(select(PausedApp.app)))
        yield _gauge(
            "gantry_app_paused",
            "Whether an app begins no jobs until it is resumed.",
            {(app,): app in paused for app in sorted({*self._apps, *paused})},
            "app",
        )

    def _outbox(self, session: Session) -> Iterator[Metric]:
        found = destination_statuses(session, self._destinations)
        waiting: dict[tuple[str, ...], int] = {(each.name, "unsent"): each.unsent for each in found}
        waiting |= {(each.name, "uncommitted"): each.uncommitted for each in found}
        yield _gauge(
            "gantry_waiting_deliveries", "Result objects that wait for a destination.", waiting, "destination", "state"
        )
        yield _gauge(
            "gantry_waiting_delivery_oldest_seconds",
            "Since the job of the one that waits longest was made.",
            {(each.name,): _age(each.oldest) for each in found},
            "destination",
        )
        yield _gauge(
            "gantry_destination_circuit",
            "1 for the state in which a destination's circuit breaker is.",
            {(each.name, state.value): each.circuit is state for each in found for state in Circuit},
            "destination",
            "state",
        )

    def _filling(self, session: Session) -> Iterator[Metric]:
        seconds = seconds_to_level(disk_samples(session), self._space.reserve_bytes)
        yield _gauge(
            "gantry_disk_seconds_to_reserve",
            "When nothing is accepted any more at the rate of the last day; +Inf if the disk does not fill up.",
            {(): float("inf") if seconds is None else seconds},
        )

    def _database_bytes(self) -> int:
        """The database and its write-ahead log; the log is there only while somebody has the database open."""
        total = 0
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                total += (self._data_folder / f"{FILE_NAME}{suffix}").stat().st_size
        return total


def _age(moment: datetime | None) -> float:
    return 0.0 if moment is None else max((datetime.now(timezone.utc) - moment).total_seconds(), 0.0)


def _gauge(name: str, text: str, values: Mapping[tuple[str, ...], float], *labels: str) -> Metric:
    return _fill(GaugeMetricFamily(name, text, labels=labels), values)


def _counter(name: str, text: str, values: Mapping[tuple[str, ...], float], *labels: str) -> Metric:
    return _fill(CounterMetricFamily(name, text, labels=labels), values)


def _fill(family: GaugeMetricFamily | CounterMetricFamily, values: Mapping[tuple[str, ...], float]) -> Metric:
    for names, value in values.items():
        family.add_metric(names, float(value))
    return family
