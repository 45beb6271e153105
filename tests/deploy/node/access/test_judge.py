from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.node.access import Accepted, Access, Reason, Rejected
from deploy.node.config import NodeConfig, PeerConfig, Permission, ReceiveConfig, ReceiveTLSConfig

PEERS: dict[str, dict[str, Any]] = {
    "ct": {"ae_title": "CT", "networks": ["10.1.0.0/16", "fd00::/8"]},
    "ct_elsewhere": {"ae_title": "CT", "networks": ["10.2.0.7"], "may": ["echo"]},
    "pacs": {"ae_title": "PACS", "called_ae_title": "AI", "networks": ["10.3.0.0/16"], "may": ["store", "commit"]},
    "secure": {
        "ae_title": "SECURE",
        "networks": ["10.0.0.0/8"],
        "tls": True,
        "certificate_name": "ct.hospital.example",
    },
    "any_trusted": {"ae_title": "TRUSTED", "networks": ["10.0.0.0/8"], "tls": True},
    "ward": {"ae_title": "*", "networks": ["10.9.0.0/16"], "may": ["echo"]},
}


@pytest.fixture(scope="module")
def access() -> Access:
    return Access(config(PEERS))


def config(peers: dict[str, dict[str, Any]]) -> NodeConfig:
    tls = ReceiveTLSConfig.model_validate({"certificate": "c", "key": "k", "trusted": "t"})
    return NodeConfig(
        receive=ReceiveConfig(tls=tls), peers={name: PeerConfig.model_validate(peer) for name, peer in peers.items()}
    )


@pytest.mark.parametrize(
    ("calling", "called", "address", "names", "peer"),
    [
        ("CT", "GANTRY", "10.1.2.3", None, "ct"),
        ("CT              ", "GANTRY          ", "10.1.2.3", None, "ct"),
        (" CT", " GANTRY", "::ffff:10.1.2.3", None, "ct"),
        ("CT", "GANTRY", "fd12::1", None, "ct"),
        ("CT", "GANTRY", "10.2.0.7", None, "ct_elsewhere"),
        ("CT", "GANTRY", "10.1.2.3", ("whoever",), "ct"),
        ("PACS", "AI", "10.3.0.1", None, "pacs"),
        ("SECURE", "GANTRY", "10.1.1.1", ("other", "CT.Hospital.Example"), "secure"),
        ("TRUSTED", "GANTRY", "10.1.1.1", (), "any_trusted"),
        ("CT", "GANTRY", "10.9.1.1", None, "ward"),
        ("WHOEVER", "GANTRY", "10.9.1.1", None, "ward"),
    ],
)
def test_a_listed_caller_is_accepted(
    access: Access, calling: str, called: str, address: str, names: tuple[str, ...] | None, peer: str
) -> None:
    judgement = access.judge(calling, called, address, names)
    assert isinstance(judgement, Accepted)
    assert judgement.peer == peer
    wanted = PEERS[peer].get("may", ["echo", "store"])
    assert judgement.permissions == frozenset(map(Permission, wanted))


@pytest.mark.parametrize(
    ("calling", "called", "address", "names", "reason", "diagnostic"),
    [
        ("MR", "GANTRY", "10.1.2.3", None, Reason.NETWORK, 3),  # of "*"
        ("ct", "GANTRY", "10.1.2.3", None, Reason.NETWORK, 3),
        ("", "GANTRY", "10.1.2.3", None, Reason.NETWORK, 3),
        ("CT", "GANTRY", "10.2.0.8", None, Reason.NETWORK, 3),
        ("CT", "GANTRY", "::1", None, Reason.NETWORK, 3),
        ("CT", "gantry", "10.1.2.3", None, Reason.CALLED_AE_TITLE, 7),
        ("PACS", "GANTRY", "10.3.0.1", None, Reason.CALLED_AE_TITLE, 7),
        ("SECURE", "GANTRY", "10.1.1.1", None, Reason.TLS, 1),
        ("SECURE", "GANTRY", "10.1.1.1", (), Reason.CERTIFICATE_NAME, 1),
        ("SECURE", "GANTRY", "10.1.1.1", ("*.hospital.example",), Reason.CERTIFICATE_NAME, 1),
        ("TRUSTED", "GANTRY", "10.1.1.1", None, Reason.TLS, 1),
        # No AE titles (PS3.5 table 6.2-1), which "*" is not for either.
        ("M\ufffdR", "GANTRY", "10.9.0.1", None, Reason.CALLING_AE_TITLE, 3),
        ("MR\n", "GANTRY", "10.9.0.1", None, Reason.CALLING_AE_TITLE, 3),
        ("M\\R", "GANTRY", "10.9.0.1", None, Reason.CALLING_AE_TITLE, 3),
    ],
)
def test_anybody_else_is_rejected_with_the_reason_of_ps3_8(
    access: Access,
    calling: str,
    called: str,
    address: str,
    names: tuple[str, ...] | None,
    reason: Reason,
    diagnostic: int,
) -> None:
    judgement = access.judge(calling, called, address, names)
    assert isinstance(judgement, Rejected)
    assert judgement.reason is reason
    assert (judgement.result, judgement.source, judgement.diagnostic) == (1, 1, diagnostic)
    assert judgement.text


def test_without_peers_nobody_may_call() -> None:
    judgement = Access(NodeConfig()).judge("CT", "GANTRY", "127.0.0.1", None)
    assert isinstance(judgement, Rejected)
    assert judgement.reason is Reason.CALLING_AE_TITLE
    assert judgement.diagnostic == 3


@given(
    calling=st.text(max_size=20),
    called=st.text(max_size=20),
    address=st.ip_addresses().map(str),
    names=st.none() | st.lists(st.text(max_size=20), max_size=3).map(tuple),
)
def test_whatever_is_accepted_fits_one_peer_in_every_respect(
    calling: str, called: str, address: str, names: tuple[str, ...] | None
) -> None:
    peers = config(PEERS)
    judgement = Access(peers).judge(calling, called, address, names)
    if isinstance(judgement, Accepted):
        peer = peers.peers[judgement.peer]
        assert peer.ae_title in (calling.strip(" "), "*")
        assert called.strip(" ") == (peer.called_ae_title or "GANTRY")
        assert not peer.tls or names is not None
