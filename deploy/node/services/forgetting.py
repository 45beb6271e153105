"""What peers asked and told is dropped after a time: the lists of instances would fill the index over the years."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete

from deploy.node.database import AvailableInstances, CommitmentRequest, Database, ProcedureStep
from deploy.node.events import record

KEPT_DAYS = 90.0
"""Studies are decided over within hours; a peer that asks or tells again does so within days."""


def forget_old(database: Database, now: datetime) -> None:
    """Delete requests that are not to be reported any more, steps and notifications older than :data:`KEPT_DAYS`."""
    before = now - timedelta(days=KEPT_DAYS)
    with database.write(rebuildable=True) as session:
        counts = [
            session.connection().execute(statement).rowcount
            for statement in (
                delete(CommitmentRequest).where(
                    CommitmentRequest.not_before.is_(None), CommitmentRequest.asked < before
                ),
                delete(ProcedureStep).where(ProcedureStep.updated < before),
                delete(AvailableInstances).where(AvailableInstances.updated < before),
            )
        ]
        if any(counts):
            requests, steps, notifications = counts
            record(
                session,
                "forgotten",
                f"{requests} requests for storage commitment, {steps} procedure steps and {notifications} availability "
                f"notifications of more than {KEPT_DAYS:g} days ago",
            )
