"""The circuit breaker: what a destination that fails is spared, and what survives a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.node.database import Database
from deploy.node.outbox import Circuit, destination_statuses, resume_destination
from deploy.node.outbox.backoff import Backoff
from tests.deploy.node.archive import Archive
from tests.deploy.node.outbox.waiting import Clock, Waiting, store_destination


@pytest.fixture
def waiting(database: Database, tmp_path: Path) -> Waiting:
    return Waiting(database, tmp_path)


def test_after_failures_in_a_row_a_single_instance_closes_the_circuit(waiting: Waiting) -> None:
    for _ in range(3):
        waiting.add_job("pacs")
    archive = Archive()
    config = store_destination(archive.port, first_retry_seconds=60, longest_retry_seconds=600)
    clock = Clock()
    waits = []
    for _ in range(5):
        # A queue of its own each time: nothing is kept in memory.
        queue = waiting.queue("pacs", config, clock=clock)
        assert queue.deliver_due()
        assert not queue.deliver_due()
        state = waiting.destination("pacs")
        assert state.open_until is not None
        waits.append((state.open_until - clock.now).total_seconds())
        clock.now = state.open_until
    assert waits == [60, 120, 240, 480, 600]
    assert [event.data["failures"] for event in waiting.events("destination-unreachable")] == [1, 2, 3, 4, 5]
    with archive:
        queue = waiting.queue("pacs", config, clock=clock)
        assert queue.deliver_due()
        # The trial, and then the rest.
        assert len(archive.stored) == 1
        assert queue.deliver_due()
        queue.close()
    assert archive.sop_instance_uids == waiting.uids("pacs")
    assert waiting.destination("pacs").failures == 0
    assert [event.text for event in waiting.events("destination-back")] == ["pacs answers again"]


def test_statuses_tell_what_waits_and_resuming_tries_at_once(waiting: Waiting) -> None:
    waiting.add_job("pacs", "other")
    queue = waiting.queue("pacs", store_destination(Archive().port, first_retry_seconds=600, longest_retry_seconds=600))
    queue.deliver_due()
    with waiting.database.read() as session:
        free, gone, pacs = destination_statuses(session, ["free", "pacs"])
    assert (free.name, free.unsent, free.oldest, free.circuit) == ("free", 0, None, Circuit.CLOSED)
    assert (gone.name, gone.unsent) == ("other", 2)
    assert (pacs.unsent, pacs.uncommitted, pacs.circuit, pacs.failures) == (2, 0, Circuit.WAITING, 1)
    assert pacs.oldest is not None
    assert pacs.retry is not None
    assert "cannot be reached" in pacs.problem
    assert not queue.deliver_due()
    with waiting.database.write() as session:
        assert resume_destination(session, "pacs", asked_by="anna") == 2
    assert queue.deliver_due()
    assert waiting.events("destination-resumed")[0].data == {"destination": "pacs", "asked_by": "anna"}


def test_waits_double_are_spread_and_have_a_longest() -> None:
    early, late = (Backoff(5, 900, lambda draw=draw: draw) for draw in (1.0, 0.0))  # type: ignore[misc]
    assert [late.after(failures).total_seconds() for failures in (1, 2, 3, 9, 10_000)] == [5, 10, 20, 900, 900]
    assert early.after(3).total_seconds() == 15
    assert late.after(1, at_least_seconds=120).total_seconds() == 120
