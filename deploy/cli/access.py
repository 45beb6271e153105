"""Who may do what, as a table."""

from __future__ import annotations

from deploy.cli.screen import show_table
from deploy.node.config import NodeConfig, PeerConfig, Permission


def show_access(config: NodeConfig) -> None:
    """Print one line for each peer: who it is, from where, whom it has to call, and what it may do."""
    own_title = config.receive.ae_title
    show_table(
        ("peer", "AE title", "from", "calls", "proves itself by", "may"),
        [
            (
                name,
                "any" if peer.ae_title == "*" else peer.ae_title,
                "\n".join(map(str, peer.networks)),
                peer.called_ae_title or own_title,
                _proof(peer),
                ", ".join(permission.value for permission in Permission if permission in peer.may) or "nothing",
            )
            for name, peer in config.peers.items()
        ],
    )


def _proof(peer: PeerConfig) -> str:
    proofs = []
    if peer.tls:
        proofs.append(f"a certificate of {peer.certificate_name}" if peer.certificate_name else "a trusted certificate")
    if peer.token_file is not None:
        proofs.append("a token (STOW-RS)")
    return " and ".join(proofs) or "title and network"
