"""An archive as the node asks it."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.node.config import ArchiveConfig, NodeConfig
from deploy.node.query.requestor import PeerAddress


@dataclass(frozen=True)
class Archive:
    """A configured archive: its name in the configuration, and the node's own AE title, with which it is called."""

    name: str
    config: ArchiveConfig
    calling_ae_title: str

    @property
    def address(self) -> PeerAddress:
        """Where it is."""
        config = self.config
        return PeerAddress(config.host, config.port, config.ae_title, self.calling_ae_title, config.tls)


def configured_archive(config: NodeConfig, name: str) -> Archive:
    """Return the archive of this name. Raises :class:`KeyError`."""
    return Archive(name, config.archives[name], config.receive.ae_title)
