"""Trials of an outbox with two destinations, one of which is ill: what arrived, and what the other noticed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from sqlalchemy import select

from deploy.node.config import DestinationConfig
from deploy.node.database import Delivery, Job, open_database
from deploy.node.outbox import DestinationQueue
from tests.deploy.node.archive import Archive
from tests.deploy.node.outbox.waiting import Clock, Waiting, running, store_destination
from tests.reliability.destinations.network import Fault, FaultyNetwork, Weather
from tests.waiting import until

DAY_SECONDS = 86400.0


@dataclass(frozen=True)
class Day:
    """A destination that was down for a day.

    ``tries`` is how often it was called meanwhile, ``drain_seconds`` how long it then took to send everything.
    """

    studies: int
    tries: int
    in_order: bool
    other_in_order: bool
    other_waited: int
    drain_seconds: float


def down_for_a_day(folder: Path, studies: int, *, objects: int = 1) -> Day:
    """Queue studies over a simulated day for a destination that refuses connections and one that is well.

    The clock is moved; the deliveries are real. ``other_waited`` counts the studies that the other destination did not
    have at once.
    """
    waiting = Waiting(open_database(folder), folder)
    # A working node's, not a test's: the waits of days are what is tried.
    clock = Clock()
    with Archive() as down, Archive() as well, FaultyNetwork(down.port, Weather(Fault.REFUSE)) as network:
        queues = {
            name: waiting.queue(name, DestinationConfig(ae_title="ARCHIVE", host="127.0.0.1", port=port), clock=clock)
            for name, port in (("down", network.port), ("well", well.port))
        }
        waited = 0
        for _ in range(studies):
            clock.wait(DAY_SECONDS / studies)
            job = waiting.add_job("down", "well", objects=objects)
            _empty(queues["down"])
            _empty(queues["well"])
            waited += not all(row.delivered for row in waiting.deliveries(job, destination="well"))
        tries = waiting.destination("down").failures
        network.become(Weather())
        begun = time.monotonic()
        # The longest that anybody has to wait then.
        clock.wait(DestinationConfig.model_fields["longest_retry_seconds"].default)
        _empty(queues["down"])
        drained = time.monotonic() - begun
        for queue in queues.values():
            queue.close()
    return Day(
        studies,
        tries,
        down.sop_instance_uids == waiting.uids("down"),
        well.sop_instance_uids == waiting.uids("well"),
        waited,
        drained,
    )


@dataclass(frozen=True)
class Latency:
    """How long results were in the outbox until a destination had them, in seconds."""

    median: float
    p95: float
    longest: float


@dataclass(frozen=True)
class Trial:
    """A fault that came and went while studies came: whether all arrived, and what the other destination noticed."""

    arrived: int
    expected: int
    in_order: bool
    repeated: int
    other: Latency
    other_in_order: bool


def fault_comes_and_goes(
    folder: Path, weather: Weather, *, studies: int, objects: int = 2, pixels: int = 2048, answer_seconds: float = 2.0
) -> Trial:
    """Let studies come every 20 ms to two destinations, one behind this weather until all have come to the other."""
    waiting = Waiting(open_database(folder), folder)
    with Archive() as ill, Archive() as well, FaultyNetwork(ill.port, weather) as network:
        config = store_destination(network.port, answer_seconds=answer_seconds)
        queues = [waiting.queue("ill", config), waiting.queue("well", store_destination(well.port))]
        with running(*queues):
            for _ in range(studies):
                waiting.add_job("ill", "well", objects=objects, pixels=pixels)
                _ring(queues)
                time.sleep(0.02)
            until(lambda: waiting.is_delivered("well"), seconds=600)
            if weather.fault is not Fault.SLOW:
                network.become(Weather())
            until(lambda: waiting.is_delivered("ill"), seconds=600)
        first = list(dict.fromkeys(ill.sop_instance_uids))
        return Trial(
            len(first),
            len(waiting.uids("ill")),
            first == waiting.uids("ill"),
            len(ill.stored) - len(first),
            _latency(waiting, "well"),
            well.sop_instance_uids == waiting.uids("well"),
        )


def _empty(queue: DestinationQueue) -> None:
    while queue.deliver_due():
        continue


def _ring(queues: Sequence[DestinationQueue]) -> None:
    for queue in queues:
        queue.bell.ring()


def _latency(waiting: Waiting, destination: str) -> Latency:
    query = select(Job.started, Delivery.delivered).join(Job).where(Delivery.destination == destination)
    with waiting.database.read() as session:
        seconds = sorted(
            ((delivered or datetime.now(timezone.utc)) - started).total_seconds()
            for started, delivered in session.execute(query)
        )
    return Latency(seconds[len(seconds) // 2], seconds[int(len(seconds) * 0.95)], seconds[-1])
