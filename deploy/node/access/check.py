"""What is right and what is doubtful about who may call, before the node is started."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from deploy.node.access.tls.configured import tls_ends
from deploy.node.access.tls.files import check_files, expiry_warnings
from deploy.node.access.tokens import read_token
from deploy.node.config import ConfigError, NodeConfig, Permission


def check_access(config: NodeConfig, path: Path) -> None:
    """Check the files of certificates, keys and tokens that a configuration names.

    Raises :class:`ConfigError` naming ``path``, every key with a problem, and the problem.
    """
    lines = []
    for key, tls in tls_ends(config):
        try:
            check_files(tls, key)
        except ConfigError as error:
            lines.append(f"  {error}")
    holders: dict[str, str] = {}
    for name, peer in config.peers.items():
        if peer.token_file is None:
            continue
        key = f"peers.{name}.token_file"
        try:
            token = read_token(peer.token_file, key)
        except ConfigError as error:
            lines.append(f"  {error}")
            continue
        if token in holders:
            lines.append(f"  {key}: it is the token of {holders[token]}, too; each peer needs its own")
        holders.setdefault(token, name)
    if lines:
        raise ConfigError("\n".join([f"{path} is not a valid configuration:", *lines]))


def access_warnings(config: NodeConfig) -> Iterator[str]:
    """Yield what is allowed and yet doubtful, one sentence each; :func:`check_access` has found no error."""
    if not any(Permission.STORE in peer.may for peer in config.peers.values()):
        yield "peers: nobody may send to this node; list each sender with its AE title and its network"
    for name, peer in config.peers.items():
        everywhere = [network for network in peer.networks if network.prefixlen == 0]
        if everywhere and not peer.tls:
            who = "anybody" if peer.ae_title == "*" else f"anybody who says that it is {peer.ae_title}"
            yield f"peers.{name}: {who} may call from everywhere ({everywhere[0]}) without TLS"
        if peer.token_file is not None and config.web is not None and config.web.tls is None:
            yield f"peers.{name}.token_file: without web.tls the token can be read on its way"
    for key, tls in tls_ends(config):
        yield from expiry_warnings(tls, key)
        if tls.key.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            yield f"{key}.key: {tls.key} can be read by other users; chmod 600 {tls.key}"
