"""What a receiver process tells the node: one JSON line for each report, in the order of what happened."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Protocol

from deploy.node.header import InstanceHeader
from deploy.node.spool import Arrival, Spool, StoredInstance


@dataclass(frozen=True)
class Accepting:
    """The process is there to take associations."""


@dataclass(frozen=True)
class AssociationStarted:
    """A peer's association was accepted; ``number`` is the process's own."""

    number: int
    calling_ae_title: str
    address: str


@dataclass(frozen=True)
class AssociationEnded:
    """An association is over; ``ending`` completes the sentence "SCANNER sent ... and ...".

    ``sent_all`` tells whether the sender itself ended it in peace, and so has no more to send.
    """

    number: int
    ending: str
    sent_all: bool


@dataclass(frozen=True)
class Stored:
    """An instance is safe in the spool; told before it is acknowledged."""

    number: int
    stored: StoredInstance


@dataclass(frozen=True)
class RefusedInstance:
    """An instance that was not accepted, and why; UIDs are None where they are not known."""

    calling_ae_title: str
    status: int
    reason: str
    study_instance_uid: str | None = None
    sop_instance_uid: str | None = None


@dataclass(frozen=True)
class RefusedCaller:
    """A caller that was turned away, or whose association was aborted for what it did.

    ``reason`` is a short code, ``text`` a sentence for the operator; titles are empty and ``certificate_names`` None
    where they are not known.
    """

    reason: str
    text: str
    address: str
    calling_ae_title: str = ""
    called_ae_title: str = ""
    certificate_names: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Trouble:
    """Something of ours went wrong: for the log. ``details`` is the traceback."""

    kind: str
    text: str
    details: str = ""


Report = Accepting | AssociationStarted | AssociationEnded | Stored | RefusedInstance | RefusedCaller | Trouble

_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (Accepting, AssociationStarted, AssociationEnded, RefusedInstance, RefusedCaller, Trouble)
}


def encode(report: Report) -> bytes:
    """Return a report as a line."""
    if isinstance(report, Stored):
        stored = report.stored
        values: dict[str, Any] = {
            **vars(stored),
            "header": vars(stored.header),
            "received": stored.received.isoformat(),
            "arrival": stored.arrival.value,
            "number": report.number,
        }
        return json.dumps(["Stored", values]).encode() + b"\n"
    return json.dumps([type(report).__name__, asdict(report)]).encode() + b"\n"


def decode(line: bytes) -> Report:
    """Return the report in a line."""
    kind, values = json.loads(line)
    if kind == "Stored":
        number = values.pop("number")
        values["header"] = InstanceHeader(**values["header"])
        values["received"] = datetime.fromisoformat(values["received"])
        values["arrival"] = Arrival(values["arrival"])
        return Stored(number, StoredInstance(**values))
    if isinstance(values.get("certificate_names"), list):
        values["certificate_names"] = tuple(values["certificate_names"])
    report: Report = _KINDS[kind](**values)
    return report


@dataclass
class OpenAssociation:
    """One association and what came over it: how many instances of each study arrived how.

    ``ending`` and ``sent_all`` are those of :class:`AssociationEnded`.
    """

    calling_ae_title: str
    address: str
    studies: dict[str, Counter[Arrival]] = field(default_factory=dict)
    ending: str = "lost the connection"
    sent_all: bool = False

    def arrivals(self, study_instance_uid: str) -> Counter[Arrival]:
        """Return what came of a study, to be counted in; from the first call on the study counts as being received."""
        return self.studies.setdefault(study_instance_uid, Counter())


Received = StoredInstance | RefusedInstance | OpenAssociation
"""What the index is told of: an association when it is over."""


class ReceiveListener(Protocol):
    """Is told what was received; called from one thread for each receiver process."""

    def received(self, batch: Sequence[Received]) -> None:
        """All this has happened, in this order. If this raises, it is told again."""

    def receiver_died(self, spool: Spool) -> None:
        """A receiver process was killed: it may have stored instances of which it has not told."""

    def refused_caller(self, refused: RefusedCaller) -> None:
        """A caller was turned away."""
