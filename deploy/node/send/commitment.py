"""Storage commitment, the side that asks (PS3.4 annex J): N-ACTION out, N-EVENT-REPORT back."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.dsutils import encode

from deploy.node.send.association import Association
from deploy.node.send.peer import DestinationError

STORAGE_COMMITMENT = "1.2.840.10008.1.20.1"
"""Storage Commitment Push Model, and below its one instance, which every requester names (PS3.4 J.3.5)."""

SOP_CLASS_NOT_SUPPORTED = 0x0122

_INSTANCE = "1.2.840.10008.1.20.1.1"
_N_ACTION_RQ = 0x0130
_REQUEST_STORAGE_COMMITMENT = 1

FAILURE_REASONS = {
    0x0110: "processing failure",
    0x0112: "no such object instance",
    0x0119: "class or instance conflict",
    0x0122: "the SOP class is not supported",
    0x0131: "the transaction UID is in use already",
    0x0213: "resource limitation",
}
"""Failure Reason (0008,1197): PS3.3 C.14.1.1."""


@dataclass(frozen=True)
class CommitmentReport:
    """What a peer says about one transaction: SOP Instance UIDs, those that failed with their Failure Reason."""

    transaction_uid: str
    committed: frozenset[str]
    failed: dict[str, int]


def transaction_uid(destination: str, sop_instance_uids: Iterable[str], previous: str) -> str:
    """Derive a Transaction UID from what is asked for; ``previous`` is that of the request that this one repeats."""
    digest = hashlib.sha256("\n".join((destination, previous, *sop_instance_uids)).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"


def request_commitment(association: Association, transaction: str, references: Sequence[tuple[str, str]]) -> int:
    """Send N-ACTION for instances (SOP Class UID, SOP Instance UID) and return its response's status.

    A peer that has not accepted the service counts as answering SOP Class Not Supported (0x0122). The report comes
    later: over this association or a new one. Raises :class:`DestinationError`.
    """
    data_set = Dataset()
    data_set.TransactionUID = transaction
    data_set.ReferencedSOPSequence = DicomSequence([_reference(*pair) for pair in references])
    syntaxes = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
    syntax = next((each for each in syntaxes if (STORAGE_COMMITMENT, str(each)) in association.accepted), None)
    if syntax is None:
        return SOP_CLASS_NOT_SUPPORTED
    content = encode(data_set, syntax == ImplicitVRLittleEndian, True)
    if content is None:
        raise ValueError(f"the request for storage commitment {transaction} cannot be encoded")
    command = Dataset()
    command.RequestedSOPClassUID = STORAGE_COMMITMENT
    command.CommandField = _N_ACTION_RQ
    command.RequestedSOPInstanceUID = _INSTANCE
    command.ActionTypeID = _REQUEST_STORAGE_COMMITMENT
    number = association.accepted[STORAGE_COMMITMENT, str(syntax)]
    response = association.request(number, command, io.BytesIO(content), len(content))
    if "Status" not in response:
        raise DestinationError(f"{association.peer} answered to the commitment request without a status")
    return int(response.Status)


def read_report(data_set: Dataset) -> CommitmentReport:
    """Read the data set of an N-EVENT-REPORT (PS3.4 table J.3-2). Raises :class:`ValueError` for what is none."""
    try:
        committed = [str(item.ReferencedSOPInstanceUID) for item in data_set.get("ReferencedSOPSequence") or ()]
        failed = {
            str(item.ReferencedSOPInstanceUID): int(item.get("FailureReason") or 0x0110)
            for item in data_set.get("FailedSOPSequence") or ()
        }
        return CommitmentReport(str(data_set.TransactionUID), frozenset(committed), failed)
    # As with everything that comes from outside, whose sequences are parsed only here.
    except Exception as error:
        raise ValueError(f"the report of storage commitment cannot be read: {error}") from error


def _reference(sop_class_uid: str, sop_instance_uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = sop_class_uid
    item.ReferencedSOPInstanceUID = sop_instance_uid
    return item
