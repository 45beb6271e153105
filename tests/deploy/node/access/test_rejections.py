from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import select

from deploy.node.access import Rejection, Rejections
from deploy.node.access.rejections import KIND, MAXIMUM_GROUPS, WINDOW_SECONDS
from deploy.node.database import Database, Event, open_database

INTRUDER = Rejection("network", "not from there", "10.0.0.1", "CT", "GANTRY", ("ct.example",))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return open_database(tmp_path)


def recorded(database: Database) -> list[Event]:
    with database.read() as session:
        return list(session.scalars(select(Event).where(Event.kind == KIND).order_by(Event.id)))


def count_of(event: Event) -> int:
    count = event.data["count"]
    assert isinstance(count, int)
    return count


def test_a_rejection_is_recorded_at_once_with_all_facts(database: Database) -> None:
    rejections = Rejections(database)
    rejections.add(INTRUDER)
    rejections.write()
    (event,) = recorded(database)
    assert event.text == "CT at 10.0.0.1 refused: not from there"
    assert event.data == {
        "count": 1,
        "reason": "network",
        "address": "10.0.0.1",
        "calling_ae_title": "CT",
        "called_ae_title": "GANTRY",
        "certificate_names": ["ct.example"],
    }


def test_the_same_caller_is_recorded_once_a_minute_with_the_exact_count(database: Database) -> None:
    clock = Clock()
    rejections = Rejections(database, clock=clock)
    for second in range(150):
        clock.now = float(second)
        for _ in range(100):
            rejections.add(INTRUDER)
        rejections.write()
    rejections.write(rest=True)
    counts = [count_of(event) for event in recorded(database)]
    assert counts == [100, 6000, 6000, 2900]
    assert rejections.by_reason() == {"network": 15000}


def test_a_caller_that_was_quiet_for_a_while_is_told_at_once_again(database: Database) -> None:
    clock = Clock()
    rejections = Rejections(database, clock=clock)
    for now in (0.0, WINDOW_SECONDS + 1, 2 * WINDOW_SECONDS + 2):
        clock.now = now
        rejections.add(INTRUDER)
        rejections.write()
    assert [count_of(event) for event in recorded(database)] == [1, 1, 1]


def test_a_flood_under_ever_new_names_cannot_fill_the_database(database: Database) -> None:
    clock = Clock()
    rejections = Rejections(database, clock=clock)
    for number in range(20_000):
        clock.now = number / 1000
        rejections.add(Rejection("network", "not from there", "10.0.0.1", f"N{number}"))
        if number % 100 == 0:
            rejections.write()
    rejections.write(rest=True)
    events = recorded(database)
    assert len(events) <= MAXIMUM_GROUPS + 2
    assert sum(map(count_of, events)) == 20_000
    assert "callers refused, the last one" in events[-1].text


def test_what_is_left_is_written_at_the_end(database: Database) -> None:
    rejections = Rejections(database)
    stop = threading.Event()
    thread = threading.Thread(target=rejections.run, args=(stop,))
    thread.start()
    for _ in range(1000):
        rejections.add(INTRUDER)
    stop.set()
    thread.join(30)
    assert sum(count_of(event) for event in recorded(database)) == 1000
