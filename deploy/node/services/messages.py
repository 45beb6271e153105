"""What a receiver process and the services hand each other: requests, answers, presentation contexts.

Nothing here needs the database: a receiver process that nobody asks for a service never opens it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from deploy.node.config import Permission

Command = Mapping[str, str | int]
"""A command set (PS3.7 annex E) by keyword, as ``{"CommandField": 0x0130, "RequestedSOPClassUID": "1.2..."}``.

Group length, Message ID and Command Data Set Type are the message loop's.
"""

SendRequest = Callable[[Command, bytes], int]
"""Sends a request over the presentation context of the request that was answered, and returns the response's Status.

The data set is encoded in that context's transfer syntax. Raises :class:`ConnectionError` when the association is no
longer open or the peer does not answer.
"""


@dataclass(frozen=True)
class SupportedContext:
    """One abstract syntax of the services, accepted only for peers that have ``permission``.

    ``peer_as_scu`` and ``peer_as_scp`` say which roles a requestor may take (PS3.7 D.3.3.4); without role selection
    it is SCU.
    """

    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]
    permission: Permission
    peer_as_scu: bool = True
    peer_as_scp: bool = False


@dataclass(frozen=True)
class Requestor:
    """Who asks: the peer's name in the configuration, and the AE title that it called itself."""

    name: str
    ae_title: str


@dataclass(frozen=True)
class Answer:
    """What to answer: Status and the other fields of the response, None or empty where there are none.

    ``sop_instance_uid`` is the Affected SOP Instance UID where the service has given one. ``afterwards`` is to be
    called once the response has been sent; it raises nothing, and never needs to be called: what it does is done by
    the node later where the association or its process has gone.
    """

    status: int
    comment: str = ""
    error_id: int | None = None
    sop_instance_uid: str = ""
    afterwards: Callable[[SendRequest], None] | None = None


class RefusedRequestError(Exception):
    """A request cannot be done: its status (PS3.7 annex C) and why, in words for the peer and the event log."""

    def __init__(self, status: int, reason: str, *, error_id: int | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.error_id = error_id
