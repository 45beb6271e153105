"""The judgement over one caller: default deny (who is not listed in ``gantry.yaml`` is refused)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv6Address, ip_address

from deploy.node.config import NodeConfig, PeerConfig, Permission

REJECTED_PERMANENT = 1
SERVICE_USER = 1
"""Result and source of an A-ASSOCIATE-RJ PDU (PS3.8 table 9-21)."""

NO_REASON_GIVEN = 1
CALLING_AE_TITLE_NOT_RECOGNIZED = 3
CALLED_AE_TITLE_NOT_RECOGNIZED = 7
"""Reason/Diag. of an A-ASSOCIATE-RJ PDU whose source is the service-user (PS3.8 table 9-21)."""

_ANY_TITLE = "*"


class Reason(str, Enum):
    """Why a caller is refused, in the order in which a caller is looked at."""

    CALLING_AE_TITLE = "calling-ae-title"
    NETWORK = "network"
    CALLED_AE_TITLE = "called-ae-title"
    TLS = "tls"
    CERTIFICATE_NAME = "certificate-name"


@dataclass(frozen=True)
class Accepted:
    """The caller is the peer of this name in ``gantry.yaml`` and may do this."""

    peer: str
    permissions: frozenset[Permission]


@dataclass(frozen=True)
class Rejected:
    """The caller is nobody who is listed.

    ``result``, ``source`` and ``diagnostic`` are those of an A-ASSOCIATE-RJ PDU (PS3.8 table 9-21); ``text`` tells the
    operator, not the caller, what would have to be different.
    """

    reason: Reason
    result: int
    source: int
    diagnostic: int
    text: str


DIAGNOSTICS = {
    Reason.CALLING_AE_TITLE: CALLING_AE_TITLE_NOT_RECOGNIZED,
    # The title is known, but not from there: together they are not recognised.
    Reason.NETWORK: CALLING_AE_TITLE_NOT_RECOGNIZED,
    Reason.CALLED_AE_TITLE: CALLED_AE_TITLE_NOT_RECOGNIZED,
    Reason.TLS: NO_REASON_GIVEN,
    Reason.CERTIFICATE_NAME: NO_REASON_GIVEN,
}

_ORDER = tuple(Reason)


class Access:
    """Judges callers by the peers of a configuration; without peers nobody may call."""

    def __init__(self, config: NodeConfig) -> None:
        self._own_title = config.receive.ae_title
        self._peers = config.peers

    def judge(
        self, calling: str, called: str, address: str, certificate_names: tuple[str, ...] | None
    ) -> Accepted | Rejected:
        """Return who the caller is and what it may do, or why it is refused.

        ``calling`` and ``called`` are the AE titles of the request, padded or not; ``address`` the caller's IP address
        (an IPv4 address may be written as an IPv4-mapped IPv6 address); ``certificate_names`` the names in the
        certificate that the caller has shown, None if it does not come over TLS.

        The first peer that fits counts, those with the calling AE title itself before those with ``*``. Pure, and the
        same in every process. Raises :class:`ValueError` if ``address`` is no IP address.
        """
        calling, called = calling.strip(" "), called.strip(" ")
        source = plain_address(address)
        furthest: tuple[Reason, str] | None = None
        for name, peer in self._candidates(calling):
            failure = self._failure(name, peer, called, source, certificate_names)
            if failure is None:
                return Accepted(name, peer.may)
            if furthest is None or _ORDER.index(failure[0]) > _ORDER.index(furthest[0]):
                furthest = failure
        if furthest is None:
            return _rejected(Reason.CALLING_AE_TITLE, f"no peer has the AE title {calling!r}")
        return _rejected(*furthest)

    def _candidates(self, calling: str) -> Iterable[tuple[str, PeerConfig]]:
        # What is no AE title (PS3.5 table 6.2-1) could not even be written into the file that it brings.
        is_title = calling.isascii() and calling.isprintable() and "\\" not in calling
        for title in (calling, _ANY_TITLE) if is_title else ():
            for name, peer in self._peers.items():
                if peer.ae_title == title:
                    yield name, peer

    def _failure(
        self,
        name: str,
        peer: PeerConfig,
        called: str,
        address: IPv4Address | IPv6Address,
        certificate_names: tuple[str, ...] | None,
    ) -> tuple[Reason, str] | None:
        if not any(address in network for network in peer.networks):
            return Reason.NETWORK, f"{address} is in none of the networks of the peer {name}"
        own_title = peer.called_ae_title or self._own_title
        if called != own_title:
            return Reason.CALLED_AE_TITLE, f"the peer {name} has to call {own_title}, not {called!r}"
        if peer.tls and certificate_names is None:
            return Reason.TLS, f"the peer {name} has to come over TLS"
        wanted = peer.certificate_name
        if wanted is not None and not bears(certificate_names or (), wanted):
            shown = ", ".join(certificate_names or ()) or "no name"
            return Reason.CERTIFICATE_NAME, f"the certificate of the peer {name} bears {shown}, not {wanted}"
        return None


def plain_address(address: str) -> IPv4Address | IPv6Address:
    """Return an IP address; an IPv4-mapped IPv6 address (RFC 4291 2.5.5.2) as the IPv4 address that it is.

    Raises :class:`ValueError` for anything else.
    """
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed


def bears(names: tuple[str, ...], wanted: str) -> bool:
    """Return whether a certificate with these names bears this one, in any case (RFC 4343); wildcards name nobody."""
    return wanted.lower() in (name.lower() for name in names)


def _rejected(reason: Reason, text: str) -> Rejected:
    return Rejected(reason, REJECTED_PERMANENT, SERVICE_USER, DIAGNOSTICS[reason], text)
