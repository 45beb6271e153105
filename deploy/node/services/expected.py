"""What peers have told of a study: which instances there are to be, and whether more are being made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from deploy.node.database import AvailableInstances, ProcedureStep
from deploy.node.services.procedure_steps import FINAL

STAT = "STAT"
"""Requested Procedure Priority (0040,1003): first of all."""


@dataclass(frozen=True)
class ExpectedInstances:
    """The SOP Instance UIDs that each procedure step (by its SOP Instance UID) says that it has made.

    ``available`` are those that Instance Availability Notifications name, None where nobody has sent one.
    ``all_completed`` is whether every known step has ended, completed or discontinued; True where none is known.
    ``stat`` is whether one is STAT.
    """

    steps: Mapping[str, frozenset[str]]
    available: frozenset[str] | None
    all_completed: bool
    stat: bool

    @property
    def is_known(self) -> bool:
        """Whether a peer has told anything at all."""
        return bool(self.steps) or self.available is not None

    @property
    def all(self) -> frozenset[str]:
        """Every instance that a step or a notification names."""
        return frozenset().union(*self.steps.values(), self.available or ())


def expected_instances(session: Session, study_instance_uid: str) -> ExpectedInstances:
    """Return what performed procedure steps and availability notifications tell of a study."""
    steps = session.scalars(select(ProcedureStep).where(ProcedureStep.study_instance_uid == study_instance_uid)).all()
    notified = session.scalars(
        select(AvailableInstances.sop_instance_uids).where(AvailableInstances.study_instance_uid == study_instance_uid)
    ).all()
    return ExpectedInstances(
        steps={step.sop_instance_uid: frozenset(step.sop_instance_uids) for step in steps},
        available=frozenset().union(*notified) if notified else None,
        all_completed=all(step.status in FINAL for step in steps),
        stat=any(step.priority == STAT for step in steps),
    )
