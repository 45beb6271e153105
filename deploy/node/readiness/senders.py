"""How senders pause within a study: the quiet time of each is learned from its last studies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from itertools import pairwise

from sqlalchemy import select
from sqlalchemy.orm import Session

from deploy.node.database import Sender

REMEMBERED_STUDIES = 20
"""Of how many studies the longest pause is kept for each sender."""


def longest_pauses(arrivals: Iterable[tuple[str, datetime]], longest_seconds: float) -> Mapping[str, float]:
    """Return the longest pause (s) between two images of a study, by their sender's calling AE title.

    A gap of more than ``longest_seconds`` is no pause within a study, but a second sending.
    """
    times: dict[str, list[datetime]] = {}
    for sender, received in arrivals:
        times.setdefault(sender, []).append(received)
    return {
        sender: max(
            (gap for before, after in pairwise(sorted(found)) if (gap := _seconds(before, after)) <= longest_seconds),
            default=0.0,
        )
        for sender, found in times.items()
        if sender
    }


def learn_pauses(session: Session, pauses: Mapping[str, float]) -> None:
    """Keep the longest pause (s) that each sender made within one study with those of its last ones."""
    for sender, pause in pauses.items():
        row = session.get(Sender, sender)
        if row is None:
            row = Sender(calling_ae_title=sender, pauses=[])
            session.add(row)
        row.pauses = [*row.pauses, round(pause, 3)][-REMEMBERED_STUDIES:]
        row.updated = datetime.now(timezone.utc)


def known_pauses(session: Session) -> Mapping[str, float]:
    """Return the longest pause (s) of each known sender within its last studies."""
    rows = session.execute(select(Sender.calling_ae_title, Sender.pauses))
    return {sender: max(pauses, default=0.0) for sender, pauses in rows}


def _seconds(before: datetime, after: datetime) -> float:
    return (after - before).total_seconds()
