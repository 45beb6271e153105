"""What others have told of studies: how associations ended, procedure steps, availability, who fetched them as priors.

One look asks for all studies that wait at once, and for small rows only: the lists of images, which may be long, are
read when a message is new.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from deploy.node.database import AvailableInstances, Event, PriorStudy, ProcedureStep
from deploy.node.readiness.evidence import Announced, Ending

_SENT_ALL_WORDS = ("released", "ended")
_STATUS_OF_AVAILABLE = "AVAILABLE"
_PROCEDURE_STEP = "a performed procedure step"
_AVAILABILITY = "a notification of available instances"


@dataclass(frozen=True)
class Message:
    """One procedure step or notification of a study, without its list of images."""

    source: str
    sop_instance_uid: str
    status: str
    priority: str
    updated: datetime


@dataclass(frozen=True)
class PriorOf:
    """The study was asked for at ``asked`` as an earlier one of another study, from an archive of that name."""

    study_instance_uid: str
    archive: str
    asked: datetime


@dataclass
class Told:
    """What others have told of one study; ``ending`` is how its last association ended, if that is known."""

    ending: Ending | None = None
    messages: list[Message] = field(default_factory=list)
    prior_of: list[PriorOf] = field(default_factory=list)


def read_told(session: Session, uids: Collection[str]) -> Mapping[str, Told]:
    """Return what was told of these studies; nothing for a study of which nothing was."""
    told: dict[str, Told] = defaultdict(Told)
    last = (
        select(func.max(Event.id))
        .where(Event.study_instance_uid.in_(uids), Event.kind == "received")
        .group_by(Event.study_instance_uid)
    )
    for uid, data in session.execute(select(Event.study_instance_uid, Event.data).where(Event.id.in_(last))):
        if ending := str(data.get("ending") or ""):
            # Events that are older than the field tell it by their words only.
            sent_all = data.get("sent_all", ending.startswith(_SENT_ALL_WORDS))
            told[str(uid)].ending = Ending(ending, bool(sent_all))
    steps = select(
        ProcedureStep.study_instance_uid,
        ProcedureStep.sop_instance_uid,
        ProcedureStep.status,
        ProcedureStep.priority,
        ProcedureStep.updated,
    )
    for uid, step, status, priority, updated in session.execute(
        steps.where(ProcedureStep.study_instance_uid.in_(uids))
    ):
        told[uid].messages.append(Message(_PROCEDURE_STEP, step, status, priority, updated))
    available = select(
        AvailableInstances.study_instance_uid, AvailableInstances.sop_instance_uid, AvailableInstances.updated
    )
    for uid, message, updated in session.execute(available.where(AvailableInstances.study_instance_uid.in_(uids))):
        told[uid].messages.append(Message(_AVAILABILITY, message, _STATUS_OF_AVAILABLE, "", updated))
    for row in session.scalars(select(PriorStudy).where(PriorStudy.prior_study_instance_uid.in_(uids))):
        told[row.prior_study_instance_uid].prior_of.append(PriorOf(row.study_instance_uid, row.archive, row.asked))
    return told


def read_announced(session: Session, messages: Iterable[Message], here: Collection[str]) -> tuple[Announced, ...]:
    """Return what messages say, seen beside the SOP Instance UIDs that are here."""
    announced = []
    for message in messages:
        table = ProcedureStep if message.source == _PROCEDURE_STEP else AvailableInstances
        uids = session.scalar(select(table.sop_instance_uids).where(table.sop_instance_uid == message.sop_instance_uid))
        listed = set(uids or ())
        announced.append(Announced(message.source, message.status, len(listed), len(listed.difference(here))))
    return tuple(announced)
