from __future__ import annotations

from datetime import datetime, timedelta, timezone

from sqlalchemy import select

from deploy.node.database import AvailableInstances, CommitmentRequest, Database, Event, ProcedureStep
from deploy.node.services.forgetting import KEPT_DAYS, forget_old

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=timezone.utc)
OLD, RECENT = NOW - timedelta(days=KEPT_DAYS, seconds=1), NOW - timedelta(days=KEPT_DAYS - 1)


def test_only_what_is_old_and_done_is_forgotten(database: Database) -> None:
    with database.write() as session:
        for name, asked, due in (("old", OLD, None), ("recent", RECENT, None), ("to be reported", OLD, NOW)):
            session.add(
                CommitmentRequest(
                    transaction_uid=name,
                    peer="peer",
                    calling_ae_title="PEER",
                    instances=[["1.2", "1.3"]],
                    asked=asked,
                    not_before=due,
                )
            )
        for name, updated in (("old", OLD), ("recent", RECENT)):
            session.add(
                ProcedureStep(sop_instance_uid=name, study_instance_uid="1.2", status="COMPLETED", updated=updated)
            )
            session.add(AvailableInstances(sop_instance_uid=name, study_instance_uid="1.2", updated=updated))
    for _ in range(2):
        forget_old(database, NOW)
        with database.read() as session:
            assert set(session.scalars(select(CommitmentRequest.transaction_uid))) == {"recent", "to be reported"}
            assert session.scalars(select(ProcedureStep.sop_instance_uid)).all() == ["recent"]
            assert session.scalars(select(AvailableInstances.sop_instance_uid)).all() == ["recent"]
            assert len(session.scalars(select(Event).where(Event.kind == "forgotten")).all()) == 1
