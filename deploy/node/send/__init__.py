"""Sending instances to peers: by C-STORE (PS3.4 annex B) or by STOW-RS (PS3.18 10.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from deploy.node.send.commitment import FAILURE_REASONS, CommitmentReport, read_report, transaction_uid
from deploy.node.send.files import SentInstance
from deploy.node.send.peer import DestinationError, Peer
from deploy.node.send.sender import CommittingSender, Sender
from deploy.node.send.storage import StorageSender
from deploy.node.send.web import WebPeer, WebSender

__all__ = [
    "FAILURE_REASONS",
    "CommitmentReport",
    "CommittingSender",
    "DestinationError",
    "Peer",
    "Sender",
    "SentInstance",
    "StorageSender",
    "WebPeer",
    "WebSender",
    "read_report",
    "send_files",
    "transaction_uid",
]


def send_files(
    paths: Iterable[Path], peer: Peer, *, on_progress: Callable[[SentInstance], None] | None = None
) -> tuple[SentInstance, ...]:
    """Send DICOM files to a peer by C-STORE and return what became of each.

    ``on_progress`` is called after each file, as soon as the peer has answered. A file that cannot be read and an
    instance that the peer refuses do not stop the others.

    Raises :class:`DestinationError` when nothing (more) can be sent; what was answered until then was reported to
    ``on_progress``.
    """
    sender = StorageSender(peer)
    sent = []
    try:
        for instance in sender.send(list(paths)):
            sent.append(instance)
            if on_progress is not None:
                on_progress(instance)
    finally:
        sender.close()
    return tuple(sent)
