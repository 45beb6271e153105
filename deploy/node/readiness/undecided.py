"""The studies over which not every app has decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from deploy.node.database import AppDecision
from deploy.node.database import Study as StudyRow


@dataclass(frozen=True)
class Undecided:
    """A study with the apps that have not yet decided over it; ``quiet`` is the time since its last image (s)."""

    uid: str
    revision: int
    first_received: datetime
    patient_id: str
    quiet: float
    apps: tuple[str, ...]


def undecided_studies(
    session: Session, now: datetime, listening_since: datetime, apps: Sequence[str]
) -> tuple[Undecided, ...]:
    """Return the studies over which one of ``apps`` has to decide. Quiet time counts from ``listening_since`` on."""
    decided: dict[str, set[str]] = {}
    decisions = (
        select(AppDecision.study_instance_uid, AppDecision.app)
        .join(StudyRow)
        .where(StudyRow.decided.is_(None), StudyRow.revision == AppDecision.revision)
    )
    for uid, app in session.execute(decisions):
        decided.setdefault(uid, set()).add(app)
    rows = session.execute(
        select(
            StudyRow.study_instance_uid,
            StudyRow.revision,
            StudyRow.first_received,
            StudyRow.patient_id,
            StudyRow.last_received,
        ).where(StudyRow.decided.is_(None))
    )
    return tuple(
        Undecided(
            uid,
            revision,
            first_received,
            patient_id,
            (now - max(last_received, listening_since)).total_seconds(),
            tuple(app for app in apps if app not in decided.get(uid, ())),
        )
        for uid, revision, first_received, patient_id, last_received in rows
    )
