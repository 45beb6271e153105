"""Storage Commitment Push Model, SCP (PS3.4 annex J): requests are durable before they are answered."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from pydicom.dataset import Dataset
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from deploy.node.database import CommitmentRequest, Database, is_passing
from deploy.node.events import record
from deploy.node.services.commitment_reports import report_over
from deploy.node.services.contexts import STORAGE_COMMITMENT_INSTANCE
from deploy.node.services.data_sets import decode, references, uid
from deploy.node.services.messages import Answer, Command, RefusedRequestError, Requestor, SendRequest
from deploy.node.services.statuses import (
    INVALID_ARGUMENT_VALUE,
    MISSING_ATTRIBUTE,
    NO_SUCH_ACTION,
    NO_SUCH_SOP_INSTANCE,
    RESOURCE_LIMITATION,
    SUCCESS,
)
from deploy.node.spool import Spool

REQUEST_STORAGE_COMMITMENT = 1
"""Action Type ID (PS3.4 table J.3.2-1)."""

SAME_ASSOCIATION_SECONDS = 60.0
"""For how long the process that got the request may report over its association before the node calls the peer."""


def accept(
    database: Database, spool: Spool, requestor: Requestor, command: Command, data_set: bytes, transfer_syntax: str
) -> Answer:
    """Keep a request for storage commitment (N-ACTION) and answer Success; the report follows.

    A request that is sent again, as after an answer that was lost, is the same request: it is reported again. Raises
    :class:`RefusedRequestError`.
    """
    if command.get("RequestedSOPInstanceUID") != STORAGE_COMMITMENT_INSTANCE:
        raise RefusedRequestError(NO_SUCH_SOP_INSTANCE, f"the instance is not {STORAGE_COMMITMENT_INSTANCE}")
    if command.get("ActionTypeID") != REQUEST_STORAGE_COMMITMENT:
        raise RefusedRequestError(NO_SUCH_ACTION, f"Action Type ID {command.get('ActionTypeID')!r}")
    transaction_uid, instances = _read(decode(data_set, transfer_syntax))
    try:
        request_id = _keep(database, requestor, transaction_uid, instances)
    except DBAPIError as error:
        if not is_passing(error):
            raise
        raise RefusedRequestError(RESOURCE_LIMITATION, f"the request cannot be kept now: {error.orig}") from error

    def report(send_request: SendRequest) -> None:
        report_over(send_request, database, spool, request_id, transfer_syntax)

    return Answer(SUCCESS, afterwards=report)


def _read(dataset: Dataset) -> tuple[str, list[list[str]]]:
    transaction_uid = uid(dataset, "TransactionUID", invalid=INVALID_ARGUMENT_VALUE)
    found = references([dataset], "ReferencedSOPSequence", invalid=INVALID_ARGUMENT_VALUE)
    if not found:
        raise RefusedRequestError(MISSING_ATTRIBUTE, "ReferencedSOPSequence has no item")
    # Named twice is asked once.
    unique = dict.fromkeys((sop_class, sop_instance) for sop_class, sop_instance, _ in found)
    return transaction_uid, [list(pair) for pair in unique]


def _keep(database: Database, requestor: Requestor, transaction_uid: str, instances: list[list[str]]) -> int:
    now = datetime.now(timezone.utc)
    with database.write() as session:
        request = session.scalars(
            select(CommitmentRequest).where(
                CommitmentRequest.peer == requestor.name, CommitmentRequest.transaction_uid == transaction_uid
            )
        ).one_or_none()
        if request is None:
            request = CommitmentRequest(
                peer=requestor.name, transaction_uid=transaction_uid, instances=instances, asked=now
            )
            session.add(request)
        elif request.instances != instances:
            raise RefusedRequestError(
                INVALID_ARGUMENT_VALUE, f"Transaction UID {transaction_uid} is in use for other instances"
            )
        request.calling_ae_title = requestor.ae_title
        request.asked = now
        request.reported = None
        request.attempts = 0
        request.not_before = now + timedelta(seconds=SAME_ASSOCIATION_SECONDS)
        record(
            session,
            "commitment-requested",
            f"{requestor.ae_title} asks whether {len(instances)} instances are safe (transaction {transaction_uid})",
            transaction=transaction_uid,
        )
        session.flush()
        return request.id
