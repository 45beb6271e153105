"""Instance Availability Notification, SCP (PS3.4 annex R): which instances of a study exist."""

from __future__ import annotations

from datetime import datetime, timezone
from uuid import uuid4

from sqlalchemy import select

from deploy.node.database import AvailableInstances, Database
from deploy.node.events import record
from deploy.node.services.data_sets import check_uid, decode, items, references, text, uid
from deploy.node.services.messages import Answer, Command, RefusedRequestError, Requestor
from deploy.node.services.statuses import (
    DUPLICATE_SOP_INSTANCE,
    INVALID_ATTRIBUTE_VALUE,
    MISSING_ATTRIBUTE,
    SUCCESS,
)

UNAVAILABLE = "UNAVAILABLE"
"""Instance Availability (0008,0056), PS3.3 C.4.23.1.1: the instance cannot be had any more."""

_AVAILABILITIES = ("ONLINE", "NEARLINE", "OFFLINE", UNAVAILABLE)


def create(database: Database, requestor: Requestor, command: Command, data_set: bytes, transfer_syntax: str) -> Answer:
    """Keep a notification (N-CREATE, PS3.4 R.3.2); what it calls unavailable is struck from those before.

    Raises :class:`RefusedRequestError`.
    """
    dataset = decode(data_set, transfer_syntax)
    study = uid(dataset, "StudyInstanceUID")
    series = items(dataset, "ReferencedSeriesSequence")
    if not series:
        raise RefusedRequestError(MISSING_ATTRIBUTE, "ReferencedSeriesSequence has no item")
    available: set[str] = set()
    gone: set[str] = set()
    for _, sop_instance, item in references(series, "ReferencedSOPSequence"):
        availability = text(item, "InstanceAvailability")
        if availability not in _AVAILABILITIES:
            raise RefusedRequestError(INVALID_ATTRIBUTE_VALUE, f"InstanceAvailability {availability!r}")
        (gone if availability == UNAVAILABLE else available).add(sop_instance)
    given = str(command.get("AffectedSOPInstanceUID") or "")
    notification = check_uid(given, "AffectedSOPInstanceUID") if given else f"2.25.{uuid4().int}"
    now = datetime.now(timezone.utc)
    with database.write() as session:
        if session.get(AvailableInstances, notification) is not None:
            raise RefusedRequestError(DUPLICATE_SOP_INSTANCE, f"the notification {notification} is there already")
        for earlier in session.scalars(
            select(AvailableInstances).where(AvailableInstances.study_instance_uid == study)
        ):
            if gone.intersection(earlier.sop_instance_uids):
                earlier.sop_instance_uids = sorted(set(earlier.sop_instance_uids) - gone)
                earlier.updated = now
        session.add(
            AvailableInstances(
                sop_instance_uid=notification,
                study_instance_uid=study,
                sop_instance_uids=sorted(available),
                updated=now,
            )
        )
        record(
            session,
            "instances-available",
            f"{requestor.ae_title} says that {len(available)} instances of the study exist",
            study=study,
            notification=notification,
        )
    return Answer(SUCCESS, sop_instance_uid=notification)
