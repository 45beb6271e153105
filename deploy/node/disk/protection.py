"""What must not be deleted, and since when the rest is no longer needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import islice

from sqlalchemy import Exists, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from deploy.node.config import DiskConfig
from deploy.node.database import Delivery, Instance, Job, JobState, PriorStudy, Study
from deploy.node.failure import FailureKind
from deploy.node.services.commitment_reports import instances_awaiting_report

_FINAL = tuple(state for state in JobState if state.is_final)
_GAVE_WAY = (FailureKind.OUTDATED.value, FailureKind.SUPERSEDED.value)
"""Jobs that another one has taken the place of."""

_BATCH = 500
"""Values in one SQL statement."""


@dataclass(frozen=True)
class Standing:
    """One study that is on the disk: why it has to be kept (nothing: it need not), and since when it rests.

    ``conflicting``: there are copies that differ under one SOP Instance UID, which a person should see first.
    ``delivered``: every app that it concerned has delivered its results. ``ended``: how it ended, for people.
    """

    study_instance_uid: str
    needed: str
    conflicting: bool
    delivered: bool
    ended: str
    rests_since: datetime

    def keep(self, config: DiskConfig) -> timedelta | None:
        """Return how long such a study is kept once it rests; None for ever."""
        days = config.keep_delivered_days if self.delivered else config.keep_other_days
        return None if days is None else timedelta(days=days)

    def may_go(self, config: DiskConfig, now: datetime) -> bool:
        """Return whether retention deletes it now."""
        keep = self.keep(config)
        return not self.needed and not self.conflicting and keep is not None and self.rests_since + keep <= now

    def why_kept(self, config: DiskConfig) -> str:
        """Return why it is still here, for people."""
        if self.needed:
            return self.needed
        if self.conflicting:
            return "copies differ under one UID: to be seen by a person, then 'gantry disk clean --study UID'"
        keep = self.keep(config)
        return f"{self.ended}: kept {'for ever' if keep is None else f'for {keep / timedelta(days=1):g} days'}"


def standings(session: Session, study_instance_uids: Iterable[str] | None = None) -> Iterator[Standing]:
    """Yield the standing of every study whose images are here, or of those named, the one that rests longest first."""
    committed = _promised(session)
    last_finished = select(func.max(Job.finished)).where(Job.study_instance_uid == Study.study_instance_uid)
    counts = and_(Job.study_instance_uid == Study.study_instance_uid, Job.reason.not_in(_GAVE_WAY))
    query = select(
        Study,
        last_finished.scalar_subquery().label("finished"),
        _unfinished(Study.study_instance_uid).label("unfinished"),
        _undelivered().label("undelivered"),
        _needed_as_prior().label("prior"),
        exists().where(Instance.study_instance_uid == Study.study_instance_uid, Instance.conflicting).label("differ"),
        exists().where(counts, Job.state == JobState.DELIVERED).label("any_delivered"),
        exists().where(counts, Job.state != JobState.DELIVERED).label("any_other"),
        exists().where(counts, Job.state == JobState.REFUSED).label("any_refused"),
        exists().where(counts, Job.state.in_((JobState.FAILED, JobState.CANCELLED))).label("any_lost"),
        exists().where(counts, Job.state == JobState.REFUSED, Delivery.job_id == Job.id).label("any_report"),
    ).where(Study.deleted.is_(None))
    if study_instance_uids is not None:
        query = query.where(Study.study_instance_uid.in_(list(study_instance_uids)))
    for row in session.execute(query.order_by(Study.last_received)):
        study: Study = row.Study
        reasons = [
            (study.decided is None, "not decided over yet"),
            (row.unfinished, "a job is not finished"),
            (row.undelivered, "results are not delivered"),
            (row.prior, "a later study needs it as its prior"),
            (study.study_instance_uid in committed, "a peer waits for its storage commitment"),
        ]
        finished = row.finished if row.finished is None else _aware(row.finished)
        yield Standing(
            study_instance_uid=study.study_instance_uid,
            needed=", ".join(text for holds, text in reasons if holds),
            conflicting=row.differ,
            delivered=row.any_delivered and not row.any_other,
            ended=_ended(
                lost=row.any_lost, refused=row.any_refused, report=row.any_report, delivered=row.any_delivered
            ),
            rests_since=max(filter(None, (study.last_received, study.decided, finished))),
        )


def _ended(*, lost: bool, refused: bool, report: bool, delivered: bool) -> str:
    """How a study ended of which nothing waits: every result that was to be sent has arrived then."""
    if lost:
        return "an app failed on it or was cancelled"
    if refused:
        return "refused, the report delivered" if report else "refused, nothing to deliver"
    return "delivered" if delivered else "concerns no app"


def _unfinished(study_instance_uid: object) -> Exists:
    return exists().where(Job.study_instance_uid == study_instance_uid, Job.state.not_in(_FINAL))


def _undelivered() -> Exists:
    """Not delivered, or asked to be committed and not yet so."""
    waits = or_(
        Delivery.delivered.is_(None), and_(Delivery.commitment_asked.is_not(None), Delivery.committed.is_(None))
    )
    return exists().where(Delivery.job_id == Job.id, Job.study_instance_uid == Study.study_instance_uid, waits)


def _needed_as_prior() -> Exists:
    later = aliased(Study)
    return exists().where(
        PriorStudy.prior_study_instance_uid == Study.study_instance_uid,
        later.study_instance_uid == PriorStudy.study_instance_uid,
        or_(later.decided.is_(None), _unfinished(later.study_instance_uid)),
    )


def _promised(session: Session) -> set[str]:
    """Studies with images that a peer has asked a commitment for which it has not been told of yet (PS3.4 J.3)."""
    uids = iter(instances_awaiting_report(session))
    found: set[str] = set()
    while batch := list(islice(uids, _BATCH)):
        found |= set(session.scalars(select(Instance.study_instance_uid).where(Instance.sop_instance_uid.in_(batch))))
    return found


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone.utc)
