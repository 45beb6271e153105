"""Whom to send to, and what can go wrong with it as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from deploy.node.config import TLSConfig

CONNECTION_SECONDS = 10.0
NEGOTIATION_SECONDS = 30.0
ANSWER_SECONDS = 120.0
"""How long a peer may take to accept the connection, to negotiate the association, to answer a request."""


class DestinationError(ConnectionError):
    """The peer cannot be reached, refuses to talk or has stopped talking: nothing more can be sent now.

    ``path`` is the file at which it stopped, None if there was none. ``retry_after`` is how long it asks to be left
    alone, in seconds.
    """

    def __init__(self, message: str, path: Path | None = None, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.retry_after = retry_after


class NothingAcceptedError(DestinationError):
    """The peer has answered, and takes nothing of what it was offered: other kinds of objects it may take.

    ``proposed`` are the abstract and transfer syntaxes that it was offered.
    """

    def __init__(self, message: str, proposed: Iterable[tuple[str, str]]) -> None:
        super().__init__(message)
        self.proposed = frozenset(proposed)


@dataclass(frozen=True)
class Peer:
    """An application entity: ``ae_title`` is the called, ``calling_ae_title`` the sender's own.

    ``answer_seconds`` is how long it may stay silent, neither taking nor sending anything, before it counts as gone.
    """

    host: str
    port: int
    ae_title: str = "ANY-SCP"
    calling_ae_title: str = "GANTRY"
    tls: TLSConfig | None = None
    answer_seconds: float = ANSWER_SECONDS

    def __str__(self) -> str:
        return f"{self.ae_title} at {self.host}:{self.port}"
