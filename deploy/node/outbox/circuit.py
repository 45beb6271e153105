"""The circuit breaker of a destination: after failures of its own it is left alone, then tried with one instance.

Kept in the table ``destination_states``, so that a restart forgets nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

from sqlalchemy.orm import Session

from deploy.node.database import DestinationState

OPENS_AFTER = 3
"""Failures in a row of the destination itself, after which a single instance has to arrive before others are sent."""


class Circuit(str, Enum):
    """What may be sent to a destination."""

    CLOSED = "closed"
    """Whatever is due."""
    WAITING = "waiting"
    """Nothing yet: it has failed, but not often."""
    OPEN = "open"
    """Nothing yet, and then a single instance first."""
    TRIAL = "trial"
    """A single instance."""


def circuit_of(state: DestinationState | None, now: datetime) -> Circuit:
    """Return what may be sent now."""
    if state is None or state.failures == 0:
        return Circuit.CLOSED
    is_open = state.failures >= OPENS_AFTER
    if state.open_until is not None and state.open_until > now:
        return Circuit.OPEN if is_open else Circuit.WAITING
    return Circuit.TRIAL if is_open else Circuit.CLOSED


def failures_of(session: Session, name: str) -> int:
    """Return how often in a row a destination has failed."""
    state = session.get(DestinationState, name)
    return 0 if state is None else state.failures


def keep_failure(session: Session, name: str, problem: str, now: datetime, wait: timedelta) -> None:
    """The destination has failed: leave it alone for so long."""
    state = session.get(DestinationState, name)
    if state is None:
        state = DestinationState(name=name, failures=0)
        session.add(state)
    state.failures += 1
    state.open_until = now + wait
    state.problem = problem


def keep_success(session: Session, name: str) -> bool:
    """The destination has answered: close the circuit; return whether it had failed before."""
    state = session.get(DestinationState, name)
    if state is None or state.failures == 0:
        return False
    state.failures = 0
    state.open_until = None
    return True
