"""``gantry serve``: the node as one process tree.

receive → spool → readiness → route → jobs → worker (engine, verify) → outbox
"""

from __future__ import annotations

import shutil
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from prometheus_client import CollectorRegistry

from deploy.node import jobs, worker
from deploy.node.access import CertificateWatch, Rejections, access_warnings
from deploy.node.bell import persevere
from deploy.node.config import NodeConfig
from deploy.node.database import Database, open_database
from deploy.node.disk import Space
from deploy.node.disk.retention import Retention
from deploy.node.disk.trash import settle_trash
from deploy.node.disk.watch import SpaceWatch
from deploy.node.engines import Engine
from deploy.node.engines.local import PREPARE_APP, LocalEngine
from deploy.node.events import forward_warnings, log
from deploy.node.index import ReceiveIndex, reconcile
from deploy.node.lock import lock_data_folder
from deploy.node.metrics import NodeMetrics, ReceiveCounts
from deploy.node.outbox import FOLDER_NAME as OUTBOX
from deploy.node.outbox import Outbox
from deploy.node.readiness import Readiness, archive_services
from deploy.node.receive.storage_scp import StorageSCP
from deploy.node.recover import check_after_crash, take_over_results
from deploy.node.route import RoutedApp, decide, routed_apps
from deploy.node.services.commitment_calls import CommitmentCalls
from deploy.node.spool import Spool
from deploy.node.threads import Threads
from deploy.node.web import WebSide, node_problems
from deploy.node.worker import Worker

LOG_FOLDER_NAME = "logs"

_LOOK_SECONDS = 0.2
"""How often readiness looks for studies whose quiet time is over."""


def serve(config: NodeConfig, *, ready: Callable[[], None] | None = None, engine: Engine | None = None) -> int:
    """Run the node until SIGTERM or SIGINT, or until a part of it fails; ``ready`` is called once it listens.

    Returns the exit status: 0, or 1 after a failure. Raises
    :class:`deploy.node.lock.DataFolderInUseError`, :class:`OSError` when the port cannot be had, and what
    :func:`deploy.node.route.routed_apps` raises for a wrong app.
    """
    apps = routed_apps(config)
    # It is asked to associate by several parts of the node, and says nothing of itself.
    forward_warnings("pynetdicom")
    with ExitStack() as stack:
        was_let_go = stack.enter_context(lock_data_folder(config.data_folder))
        database = open_database(config.data_folder)
        stack.callback(database.close)
        if not was_let_go:
            check_after_crash(database)
        spool = Spool(config.data_folder)
        spool.open()
        _take_up(config, database, spool)
        for warning in access_warnings(config):
            log("access", warning)
        engine = engine or LocalEngine(config.data_folder / LOG_FOLDER_NAME, prepare=PREPARE_APP)
        parts = _compose(config, apps, database, spool, engine)

        threads = Threads()
        stack.enter_context(_stopped_by_signals(threads))
        parts.receiver.start()
        try:
            if parts.web is not None:
                parts.web.start()
            for name, loop in parts.loops.items():
                threads.start(name, loop)
            if ready is not None:
                ready()
            threads.wait()
        finally:
            log("stopping", "the node stops")
            threads.stop()
            for stop in parts.stops:
                stop()
            threads.join()
        return 1 if threads.failed else 0


@dataclass(frozen=True)
class _Parts:
    """What listens, the loops by the names of their threads, and what ends those that wait for something."""

    receiver: StorageSCP
    web: WebSide | None
    loops: Mapping[str, Callable[[threading.Event], None]]
    stops: Sequence[Callable[[], None]]


def _compose(
    config: NodeConfig, apps: Mapping[str, RoutedApp], database: Database, spool: Spool, engine: Engine
) -> _Parts:
    """Make every part of the node and tell each of those that it works with; nothing runs yet."""
    space = Space(config.data_folder, config.disk)
    rejections = Rejections(database)
    index = ReceiveCounts(ReceiveIndex(database, rejections))
    receiver = StorageSCP(config, spool, index)
    metrics = CollectorRegistry()
    metrics.register(NodeMetrics(config, database, space, index, rejections))
    web = None
    if config.web is not None:
        problems = partial(node_problems, database, space, lambda: receiver.is_running)
        web = WebSide(config, config.web, spool, index, space, rejections, metrics, problems)

    def is_receiving(study: str) -> bool:
        return receiver.is_receiving(study) or (web is not None and web.is_receiving(study))

    readiness = Readiness(
        database,
        spool,
        apps,
        config.readiness,
        is_receiving,
        archive_services(config, database, spool),
        is_listening=lambda: receiver.is_running,
    )
    outbox = Outbox(config, database)
    outbox.take_up()
    workers = _workers(config, apps, database, spool, engine, space, outbox)
    commitments = CommitmentCalls(database, spool, config.peers, ae_title=config.receive.ae_title)
    commitments.take_up()
    loops: dict[str, Callable[[threading.Event], None]] = {
        **({"HTTP": web.run} if web is not None else {}),
        "refused callers": rejections.run,
        "certificates": CertificateWatch(config, database).run,
        "disk": SpaceWatch(space, database).run,
        "retention": Retention(database, spool, config.data_folder, config.disk, is_receiving).run,
        "readiness": lambda stop: _decide(stop, database, readiness, apps, workers),
        **{worker.name: worker.run for worker in workers},
        "reports of storage commitment": commitments.run,
        **{f"outbox to {name}": queue.run for name, queue in outbox.queues.items()},
    }
    stops = (receiver.stop, engine.close, outbox.hang_up, commitments.hang_up, lambda: _ring(workers))
    return _Parts(receiver, web, loops, stops)


def _workers(
    config: NodeConfig,
    apps: Mapping[str, RoutedApp],
    database: Database,
    spool: Spool,
    engine: Engine,
    space: Space,
    outbox: Outbox,
) -> list[Worker]:
    return [
        Worker(
            app,
            config.apps[name],
            database,
            spool,
            engine,
            config.data_folder,
            lease_seconds=config.lease_seconds,
            on_results=outbox.results_came,
            slot=slot,
            has_room=space.has_room_for_run,
        )
        for name, app in apps.items()
        for slot in range(config.apps[name].concurrency)
    ]


def _take_up(config: NodeConfig, database: Database, spool: Spool) -> None:
    """Take up what the last process left: no person has to."""
    shutil.rmtree(config.data_folder / worker.FOLDER_NAME, ignore_errors=True)
    settle_trash(database, spool, config.data_folder / OUTBOX)
    indexed = reconcile(database, spool)
    take_over_results(database, config.data_folder / OUTBOX)
    # The data folder is locked: whoever held a job is gone.
    released = jobs.release_leases(database)
    with database.write() as session:
        jobs.record_unconfigured(session, set(config.apps))
    log("recovered", f"indexed {indexed} instances, put back {released} jobs")


def _decide(
    stop: threading.Event,
    database: Database,
    readiness: Readiness,
    apps: Mapping[str, RoutedApp],
    workers: Sequence[Worker],
) -> None:
    while not stop.wait(_LOOK_SECONDS):
        if persevere(stop, lambda: bool(decide(database, readiness, apps))):
            _ring(workers)


def _ring(others: Iterable[Worker]) -> None:
    for other in others:
        other.bell.ring()


@contextmanager
def _stopped_by_signals(threads: Threads) -> Iterator[None]:
    """Stop the threads on SIGTERM and SIGINT; only the main thread may handle signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, lambda *_: threads.stop_from_signal())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
