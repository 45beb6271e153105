"""The way to send that a destination's configuration asks for."""

from __future__ import annotations

from collections.abc import Callable

from pydicom.dataset import Dataset

from deploy.node.config import DestinationConfig
from deploy.node.send import Peer, Sender, StorageSender, WebPeer, WebSender


def sender_for(
    config: DestinationConfig, calling_ae_title: str, *, on_event: Callable[[Dataset, Dataset], int] | None = None
) -> Sender:
    """Return C-STORE or STOW-RS; ``on_event`` takes reports of storage commitment where it is asked for."""
    if config.url is not None:
        return WebSender(WebPeer(config.url, config.token_file, config.tls, config.answer_seconds))
    # The configuration has all three where it has no url.
    assert config.host is not None
    assert config.port is not None
    assert config.ae_title is not None
    peer = Peer(config.host, config.port, config.ae_title, calling_ae_title, config.tls, config.answer_seconds)
    return StorageSender(peer, on_event=on_event if config.storage_commitment else None)
