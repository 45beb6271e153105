"""Where results can go: the configured destinations, and the peers that sent the images (return to sender)."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from deploy.node.config import SENDER, DestinationConfig, NodeConfig
from deploy.node.database import Delivery, Instance, Job
from deploy.node.events import record
from deploy.node.jobs.telling import tell_study

_SENDER_PREFIX = f"{SENDER}:"


def destinations_of(config: NodeConfig) -> dict[str, DestinationConfig]:
    """Return every destination by name: those configured and, as ``sender:AE_TITLE``, peers with an address.

    A peer of any title (``*``) has none that could be called.
    """
    found = dict(config.destinations)
    if any(SENDER in app.destinations for app in config.apps.values()):
        for peer in config.peers.values():
            if peer.host is not None and peer.port is not None and peer.ae_title != "*":
                address = DestinationConfig(ae_title=peer.ae_title, host=peer.host, port=peer.port, tls=peer.answer_tls)
                found.setdefault(_SENDER_PREFIX + peer.ae_title, address)
    return found


def addressees(
    session: Session, study_instance_uid: str, sop_instance_uids: Iterable[str], names: Iterable[str]
) -> tuple[str, ...]:
    """Return the names of the destinations for the results of these images.

    In place of ``sender`` stand those that sent any of them, as ``sender:AE_TITLE``, whether they have an address or
    not: see :func:`hold_unaddressed`.
    """
    found: list[str] = []
    for name in names:
        found += _senders(session, study_instance_uid, set(sop_instance_uids)) if name == SENDER else [name]
    return tuple(dict.fromkeys(found))


def hold_unaddressed(session: Session, names: Collection[str], *, repeat: bool) -> None:
    """Say what waits for a destination that cannot be called: it is kept, and goes out once there is an address.

    ``names`` are the destinations that there are. It stands as the last answer of each delivery and in the outcome of
    the study; ``repeat`` tells of it again where that was told before.
    """
    waiting = select(Delivery).where(Delivery.delivered.is_(None), Delivery.destination.not_in(names))
    rows = list(session.scalars(waiting if repeat else waiting.where(Delivery.held.is_(False))))
    for row in rows:
        row.held, row.status = True, _why_held(row.destination)
    addressed = select(Delivery).where(Delivery.held.is_(True), Delivery.destination.in_(names))
    freed = list(session.scalars(addressed))
    for row in freed:
        row.held, row.status = False, ""
    for name in sorted({row.destination for row in rows}):
        count = sum(row.destination == name for row in rows)
        jobs = sorted({row.job_id for row in rows if row.destination == name})
        only = session.get_one(Job, jobs[0]) if len(jobs) == 1 else None
        record(
            session,
            "no-destination",
            f"{count} instances wait: {_why_held(name)}",
            study=only.study_instance_uid if only else None,
            job=only.id if only else None,
            destination=name,
        )
    for job_id in sorted({row.job_id for row in (*rows, *freed)}):
        tell_study(session, session.get_one(Job, job_id))


def _why_held(name: str) -> str:
    if name.startswith(_SENDER_PREFIX):
        title = name.removeprefix(_SENDER_PREFIX)
        return f"{title or 'the sender'} has no address to return results to (host and port of its peer)"
    return f"{name} is not configured"


def _senders(session: Session, study_instance_uid: str, sop_instance_uids: set[str]) -> list[str]:
    received = (
        select(Instance.sop_instance_uid, Instance.calling_ae_title)
        .where(Instance.study_instance_uid == study_instance_uid, Instance.conflicting.is_(False))
        .order_by(Instance.id)
    )
    titles = [title for uid, title in session.execute(received) if uid in sop_instance_uids]
    return [_SENDER_PREFIX + title for title in dict.fromkeys(titles)]
