"""Who may use the node over HTTP: peers by token or certificate, always with their network; readers of the metrics."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deploy.node.access.judge import Accepted, bears, plain_address
from deploy.node.access.tokens import read_token
from deploy.node.config import ConfigError, NodeConfig, PeerConfig, Permission
from deploy.node.events import log

UNAUTHORIZED: Literal[401] = 401
FORBIDDEN: Literal[403] = 403


@dataclass(frozen=True)
class WebRejected:
    """The caller may not: ``status`` is HTTP's (RFC 9110 15.5), ``peer`` is empty where it is not known who calls."""

    reason: str
    status: Literal[401, 403]
    text: str
    peer: str = ""


class WebAccess:
    """Judges callers by the peers of a configuration; there are no AE titles here, so a peer proves who it is.

    It does so with its bearer token (RFC 6750) or, over HTTPS, with a certificate of its ``certificate_name``.
    """

    def __init__(self, config: NodeConfig) -> None:
        self._peers = config.peers
        self._tokens = {
            name: _TokenFile(peer.token_file, f"peers.{name}.token_file")
            for name, peer in config.peers.items()
            if peer.token_file is not None
        }
        self._monitoring = config.web.monitoring_networks if config.web is not None else ()

    def judge(
        self, token: str | None, address: str, certificate_names: tuple[str, ...] | None
    ) -> Accepted | WebRejected:
        """Return who sends a request for storing, or why it is refused.

        ``token`` is that of the Authorization field, ``address`` the caller's IP address, ``certificate_names`` the
        names in its certificate, None without HTTPS, empty without a certificate.
        """
        name = self._by_token(token) if token is not None else self._by_certificate(address, certificate_names or ())
        if name is None:
            missing = "neither a token nor a peer's certificate" if token is None else "a token that is no peer's"
            return WebRejected("credentials", UNAUTHORIZED, f"{missing} was shown")
        peer = self._peers[name]
        if not _is_from(peer, address):
            return WebRejected("network", FORBIDDEN, f"{address} is in none of the networks of the peer {name}", name)
        if peer.tls and certificate_names is None:
            return WebRejected("tls", FORBIDDEN, f"the peer {name} has to come over TLS", name)
        if peer.certificate_name is not None and not bears(certificate_names or (), peer.certificate_name):
            text = f"the peer {name} has to show a certificate of {peer.certificate_name}"
            return WebRejected("certificate-name", FORBIDDEN, text, name)
        if Permission.STORE not in peer.may:
            return WebRejected("permission", FORBIDDEN, f"the peer {name} may not store", name)
        return Accepted(name, peer.may)

    def may_monitor(self, address: str) -> bool:
        """Return whether somebody may read the metrics and the health: this machine, and the networks listed for it."""
        source = plain_address(address)
        return source.is_loopback or any(source in network for network in self._monitoring)

    def _by_token(self, token: str) -> str | None:
        given = token.encode()
        # All are compared, in constant time: how long this takes tells nothing.
        found = [
            name
            for name, file in self._tokens.items()
            if (own := file.current()) is not None and hmac.compare_digest(own.encode(), given)
        ]
        return found[0] if found else None

    def _by_certificate(self, address: str, names: tuple[str, ...]) -> str | None:
        found = [
            name
            for name, peer in self._peers.items()
            if peer.certificate_name is not None and bears(names, peer.certificate_name)
        ]
        here = [name for name in found if _is_from(self._peers[name], address)]
        return next(iter(here or found), None)


class _TokenFile:
    """A token that follows its file; one that can no longer be read is none."""

    def __init__(self, path: Path, key: str) -> None:
        self._path = path
        self._key = key
        self._stamp: tuple[int, int] | None = None
        self._token: str | None = None

    def current(self) -> str | None:
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_ino)
        except OSError:
            stamp = (0, 0)
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._token = read_token(self._path, self._key)
            except ConfigError as error:
                self._token = None
                log("token-unusable", f"{error}; the peer is refused until it can be read")
        return self._token


def _is_from(peer: PeerConfig, address: str) -> bool:
    source = plain_address(address)
    return any(source in network for network in peer.networks)
