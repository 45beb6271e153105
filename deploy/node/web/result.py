"""The answer to a request for storing (PS3.18 10.5.3.2 and annex I.2): which instances are stored, which are not."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from deploy.node.receive.statuses import OUT_OF_RESOURCES


@dataclass(frozen=True)
class Named:
    """An instance by its UIDs, empty where they are not known."""

    sop_class_uid: str = ""
    sop_instance_uid: str = ""


@dataclass
class StoreResult:
    """What became of each instance of a request, in its order.

    Failure Reasons (0008,1197) are the statuses of C-STORE (PS3.18 table I.2-2).
    """

    stored: list[Named] = field(default_factory=list)
    failed: list[tuple[Named, int]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many parts were judged."""
        return len(self.stored) + len(self.failed)

    def status(self) -> HTTPStatus:
        """Return the HTTP status (PS3.18 table 10.5.3-1; 507 of RFC 4918 where only room is lacking)."""
        if not self.failed:
            return HTTPStatus.OK if self.stored else HTTPStatus.BAD_REQUEST
        if self.stored:
            return HTTPStatus.ACCEPTED
        if all(reason == OUT_OF_RESOURCES for _, reason in self.failed):
            return HTTPStatus.INSUFFICIENT_STORAGE
        return HTTPStatus.CONFLICT

    def json(self) -> dict[str, Any]:
        """Return the Store Instances Response Module in the DICOM JSON Model (PS3.18 annex F).

        Retrieve URLs (0008,1190) are empty, as the node offers no retrieval.
        """
        known = [(named, reason) for named, reason in self.failed if named.sop_instance_uid]
        unknown = [reason for named, reason in self.failed if not named.sop_instance_uid]
        answer: dict[str, Any] = {"00081190": {"vr": "UR"}}
        if known:
            answer["00081198"] = _sequence([{**_reference(named), **_reason(reason)} for named, reason in known])
        if self.stored:
            answer["00081199"] = _sequence([{**_reference(named), "00081190": {"vr": "UR"}} for named in self.stored])
        if unknown:
            # Other Failures Sequence: what has no UIDs that could be told.
            answer["0008119A"] = _sequence([_reason(reason) for reason in unknown])
        return answer


def _sequence(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"vr": "SQ", "Value": items}


def _reference(named: Named) -> dict[str, Any]:
    return {
        "00081150": {"vr": "UI", "Value": [named.sop_class_uid]} if named.sop_class_uid else {"vr": "UI"},
        "00081155": {"vr": "UI", "Value": [named.sop_instance_uid]},
    }


def _reason(reason: int) -> dict[str, Any]:
    return {"00081197": {"vr": "US", "Value": [reason]}}
