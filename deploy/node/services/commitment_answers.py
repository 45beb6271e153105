"""What destinations report on the storage commitment that the node has asked for (N-EVENT-REPORT, PS3.4 J.3.3)."""

from __future__ import annotations

from deploy.node.database import Database
from deploy.node.outbox.commitment import take_commitment_report
from deploy.node.services.commitment_reports import ALL_COMMITTED, FAILURES_EXIST
from deploy.node.services.contexts import STORAGE_COMMITMENT_INSTANCE
from deploy.node.services.data_sets import decode, number, references, uid
from deploy.node.services.messages import Answer, Command, RefusedRequestError
from deploy.node.services.statuses import (
    INVALID_ARGUMENT_VALUE,
    MISSING_ATTRIBUTE,
    NO_SUCH_EVENT_TYPE,
    NO_SUCH_SOP_INSTANCE,
    PROCESSING_FAILURE,
    SUCCESS,
)


def accept(database: Database, command: Command, data_set: bytes, transfer_syntax: str) -> Answer:
    """Hand a report to the outbox, which knows the transaction. Raises :class:`RefusedRequestError`."""
    if command.get("AffectedSOPInstanceUID") != STORAGE_COMMITMENT_INSTANCE:
        raise RefusedRequestError(NO_SUCH_SOP_INSTANCE, f"the instance is not {STORAGE_COMMITMENT_INSTANCE}")
    if command.get("EventTypeID") not in (ALL_COMMITTED, FAILURES_EXIST):
        raise RefusedRequestError(NO_SUCH_EVENT_TYPE, f"Event Type ID {command.get('EventTypeID')!r}")
    dataset = decode(data_set, transfer_syntax)
    transaction = uid(dataset, "TransactionUID", invalid=INVALID_ARGUMENT_VALUE)
    committed = references([dataset], "ReferencedSOPSequence", invalid=INVALID_ARGUMENT_VALUE)
    failed = references([dataset], "FailedSOPSequence", invalid=INVALID_ARGUMENT_VALUE)
    if not committed and not failed:
        raise RefusedRequestError(MISSING_ATTRIBUTE, "neither ReferencedSOPSequence nor FailedSOPSequence has an item")
    known = take_commitment_report(
        database,
        transaction,
        {sop_instance for _, sop_instance, _ in committed},
        # Failure Reason is required; without it, it failed all the same.
        {sop_instance: number(item, "FailureReason", PROCESSING_FAILURE) for _, sop_instance, item in failed},
    )
    if not known:
        raise RefusedRequestError(INVALID_ARGUMENT_VALUE, f"Transaction UID {transaction} is not one of ours")
    return Answer(SUCCESS)
