"""Who may call the node, and what each may do: who is not listed is refused."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from deploy.node.config.part import ApplicationEntityTitle, Host, Network, Part, Port, TLSConfig


class Permission(str, Enum):
    """What a peer may do at the node."""

    ECHO = "echo"
    STORE = "store"
    """C-STORE, or STOW-RS with the peer's token."""
    COMMIT = "commit"
    """Ask for storage commitment."""
    REPORT = "report"
    """Tell of procedure steps (MPPS) and of available instances."""


class PeerConfig(Part):
    """One application entity that may call: who it says it is, whom it calls, and from where."""

    # "*" is any title: the network alone is the key.
    ae_title: ApplicationEntityTitle | Literal["*"]
    # None: the node's own title.
    called_ae_title: ApplicationEntityTitle | None = None
    networks: tuple[Network, ...] = Field(min_length=1)
    may: frozenset[Permission] = frozenset({Permission.ECHO, Permission.STORE})
    # Whether the peer has to come over TLS, and which name its certificate has to bear then.
    tls: bool = False
    certificate_name: str | None = None
    # The file that holds the bearer token with which the peer sends by STOW-RS.
    token_file: Path | None = None
    # Where the peer itself listens: for reports of storage commitment, and for results that return to the sender.
    host: Host | None = None
    port: Port | None = None
    answer_tls: TLSConfig | None = None

    @model_validator(mode="after")
    def _is_reachable(self) -> PeerConfig:
        if (self.host is None) != (self.port is None):
            raise ValueError("host and port of a peer are given together or not at all")
        if self.certificate_name is not None and not self.tls:
            raise ValueError("certificate_name asks for tls: true")
        return self
