"""Reports of storage commitment (N-EVENT-REPORT, PS3.4 J.3.3), and those on the association that asked.

What is to be reported stands in the database until the peer has answered Success: a kill between any two steps only
means that a report is made once more.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from pydicom.dataset import Dataset
from sqlalchemy import select
from sqlalchemy.orm import Session

from deploy.node.database import CommitmentRequest, Database
from deploy.node.events import log_failure, record
from deploy.node.services.commitment_check import failure_reasons
from deploy.node.services.contexts import STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE
from deploy.node.services.data_sets import encode
from deploy.node.services.messages import SendRequest
from deploy.node.services.statuses import SUCCESS
from deploy.node.spool import Spool

ALL_COMMITTED = 1
FAILURES_EXIST = 2
"""Event Type ID (PS3.4 table J.3.3-1)."""

N_EVENT_REPORT = 0x0100

FIRST_RETRY_SECONDS = 10.0
LONGEST_RETRY_SECONDS = 3600.0
GIVEN_UP_DAYS = 7.0
"""When to report again after a failure: at first, at most (the time doubles), and how long at all."""


def report_over(
    send_request: SendRequest, database: Database, spool: Spool, request_id: int, transfer_syntax: str
) -> None:
    """Report over the association that the request came over; where that fails, the node calls the peer at once.

    Raises nothing: an association's end must not depend on it.
    """
    try:
        with database.read() as session:
            request = session.get_one(CommitmentRequest, request_id)
        event_type, dataset = report_on(request, database, spool)
        command: dict[str, str | int] = {
            "CommandField": N_EVENT_REPORT,
            "AffectedSOPClassUID": STORAGE_COMMITMENT,
            "AffectedSOPInstanceUID": STORAGE_COMMITMENT_INSTANCE,
            "EventTypeID": event_type,
        }
        try:
            status = send_request(command, encode(dataset, transfer_syntax))
        except ConnectionError:
            _call_at_once(database, request_id)
            return
        keep_answer(database, request_id, dataset, status)
    # The request stays in the database, and the node takes it up.
    except Exception:
        log_failure("commitment-report-failed", f"request {request_id} could not be reported over its association")


def report_on(request: CommitmentRequest, database: Database, spool: Spool) -> tuple[int, Dataset]:
    """Return Event Type ID and Event Information of a request as it stands now (PS3.4 table J.3.3-1).

    Raises :class:`OSError` when the spool cannot be read.
    """
    reasons = failure_reasons(database, spool, request.instances)
    committed, failed = [], []
    for sop_class, sop_instance in request.instances:
        item = Dataset()
        item.ReferencedSOPClassUID = sop_class
        item.ReferencedSOPInstanceUID = sop_instance
        reason = reasons.get((sop_class, sop_instance))
        if reason is None:
            committed.append(item)
        else:
            item.FailureReason = reason
            failed.append(item)
    report = Dataset()
    report.TransactionUID = request.transaction_uid
    # Each is there only where it has an item.
    if committed:
        report.ReferencedSOPSequence = committed
    if failed:
        report.FailedSOPSequence = failed
    return (FAILURES_EXIST if failed else ALL_COMMITTED), report


def keep_answer(database: Database, request_id: int, report: Dataset, status: int) -> None:
    """Record what the peer answered to a report: Success ends the request, anything else is tried again."""
    with database.write() as session:
        request = session.get_one(CommitmentRequest, request_id)
        committed, failed = len(report.get("ReferencedSOPSequence", ())), len(report.get("FailedSOPSequence", ()))
        if status != SUCCESS:
            postpone(session, request, f"{request.calling_ae_title} answered 0x{status:04X}")
        elif request.reported is None:
            request.reported = datetime.now(timezone.utc)
            request.not_before = None
            record(
                session,
                "commitment-reported",
                f"{request.calling_ae_title} knows that {committed} instances are safe and {failed} are not "
                f"(transaction {request.transaction_uid})",
                transaction=request.transaction_uid,
                committed=committed,
                failed=failed,
            )


def instances_awaiting_report(session: Session) -> set[str]:
    """Return the SOP Instance UIDs whose commitment a peer is still to be told of: retention must not delete them."""
    return {
        sop_instance
        for instances in session.scalars(
            select(CommitmentRequest.instances).where(CommitmentRequest.not_before.is_not(None))
        )
        for _, sop_instance in instances
    }


def _call_at_once(database: Database, request_id: int) -> None:
    with database.write() as session:
        request = session.get_one(CommitmentRequest, request_id)
        if request.reported is None:
            request.not_before = datetime.now(timezone.utc)


def postpone(session: Session, request: CommitmentRequest, reason: str) -> None:
    """Record that a report was not taken, and put it off: twice as long each time, for days."""
    now = datetime.now(timezone.utc)
    if now - request.asked > timedelta(days=GIVEN_UP_DAYS):
        stop_calling(session, request, reason)
        return
    # The exponent is limited as well: after days the power alone would overflow.
    delay = min(FIRST_RETRY_SECONDS * 2 ** min(request.attempts, 30), LONGEST_RETRY_SECONDS)
    request.attempts += 1
    request.not_before = now + timedelta(seconds=delay)
    record(
        session,
        "commitment-not-reported",
        f"{reason}: the report of transaction {request.transaction_uid} is tried again in {delay:g} s",
        transaction=request.transaction_uid,
    )


def stop_calling(session: Session, request: CommitmentRequest, reason: str) -> None:
    """Record that a peer is not called any more about a request, which is kept."""
    request.not_before = None
    record(
        session,
        "commitment-report-given-up",
        f"{reason}: it is not told of the {len(request.instances)} instances of transaction "
        f"{request.transaction_uid} unless it asks again",
        transaction=request.transaction_uid,
    )
