"""How each destination is doing, for people and metrics; and sending to one again at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from deploy.node.database import Delivery, DestinationState, Job
from deploy.node.events import record
from deploy.node.outbox.circuit import Circuit, circuit_of


@dataclass(frozen=True)
class DestinationStatus:
    """One destination: instances not yet stored there and those not yet committed, and since when the oldest waits.

    ``retry`` is when it is tried again, None if nothing stands in the way; ``problem`` what it last failed with.
    """

    name: str
    unsent: int
    uncommitted: int
    oldest: datetime | None
    circuit: Circuit
    failures: int
    retry: datetime | None
    problem: str


def destination_statuses(session: Session, names: Iterable[str]) -> list[DestinationStatus]:
    """Return the state of these destinations and of all others that something waits for."""
    now = datetime.now(timezone.utc)
    waiting = (
        select(
            Delivery.destination,
            func.count().filter(Delivery.stored.is_(None)),
            func.count().filter(Delivery.stored.is_not(None)),
            func.min(Job.started),
        )
        .join(Job, Job.id == Delivery.job_id)
        .where(Delivery.delivered.is_(None))
        .group_by(Delivery.destination)
    )
    counts = {name: (unsent, uncommitted, oldest) for name, unsent, uncommitted, oldest in session.execute(waiting)}
    found = []
    for name in sorted({*names, *counts}):
        unsent, uncommitted, oldest = counts.get(name, (0, 0, None))
        state = session.get(DestinationState, name)
        circuit = circuit_of(state, now)
        found.append(
            DestinationStatus(
                name,
                unsent,
                uncommitted,
                oldest,
                circuit,
                state.failures if state else 0,
                state.open_until if state and circuit is not Circuit.CLOSED else None,
                state.problem if state and state.failures else "",
            )
        )
    return found


def resume_destination(session: Session, name: str, *, asked_by: str) -> int:
    """Close the circuit and make everything due that waits to be sent; return how many instances.

    Commitment that is asked for already stays so.
    """
    state = session.get(DestinationState, name)
    if state is not None:
        state.failures, state.open_until = 0, None
    now = datetime.now(timezone.utc)
    waiting = select(Delivery).where(
        Delivery.destination == name, Delivery.delivered.is_(None), Delivery.stored.is_(None)
    )
    rows = list(session.scalars(waiting))
    for row in rows:
        row.not_before = now
    count = len(rows)
    text = f"{name} is tried again at once with {count} instances: {asked_by}"
    record(session, "destination-resumed", text, destination=name, asked_by=asked_by)
    return count
