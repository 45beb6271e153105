"""What the outbox needs of a way to send, whichever it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from deploy.node.send.files import SentInstance


class Sender(Protocol):
    """Sends to one destination; used by one thread, except for :meth:`hang_up`."""

    @property
    def is_open(self) -> bool:
        """Whether a connection is held that :meth:`close` would end."""

    def send(self, paths: Sequence[Path]) -> Iterator[SentInstance]:
        """Send files in their order and yield what became of each, as soon as it is known.

        Raises :class:`deploy.node.send.DestinationError` when nothing (more) can be sent.
        """

    def echo(self) -> int:
        """Ask whether the destination is there; return the status of its answer. Raises as :meth:`send`."""

    def listen(self, seconds: float) -> bool:
        """Wait at most so long for what the destination reports by itself; return whether anything came."""

    def close(self) -> None:
        """End the connection, if one is open."""

    def hang_up(self) -> None:
        """Make a call under way in another thread give up, and refuse further ones."""


@runtime_checkable
class CommittingSender(Sender, Protocol):
    """Sends where storage commitment can be asked for: by DICOMweb it cannot."""

    def commit(self, transaction_uid: str, references: Sequence[tuple[str, str]]) -> int:
        """Ask for storage commitment; return the status of the answer. Raises as :meth:`send`."""
