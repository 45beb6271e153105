"""STOW-RS over HTTPS: certificates instead of tokens, and beside them."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from deploy.node.config import TLSConfig
from tests.deploy.node.access.certificates import Authority, replace
from tests.deploy.node.sending import instance
from tests.deploy.node.web.served import Served, dicom_file, related, served

PEERS = {
    "ct": {"ae_title": "CT", "networks": ["127.0.0.0/8"], "tls": True, "certificate_name": "ct.example"},
    "far": {"ae_title": "FAR", "networks": ["10.0.0.0/8"], "tls": True, "certificate_name": "far.example"},
}
BODY = related([dicom_file(instance())])


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def node(authority: Authority) -> TLSConfig:
    return authority.issue("node")


@pytest.fixture
def running(authority: Authority, node: TLSConfig) -> Iterator[Served]:
    with served(authority.folder, tls=node, peers=PEERS) as each:
        yield each


def post(running: Served, caller: TLSConfig | None, *, token: str | None = None, trusted: Path | None = None) -> int:
    """The status that this caller gets."""
    own = None if caller is None else (str(caller.certificate), str(caller.key))
    answer = running.post(
        BODY, token=token, cert=own, verify=str(trusted or running.spool.folder.parents[1] / "authority.pem")
    )
    return answer.status_code


def test_a_certificate_is_a_proof(running: Served, authority: Authority) -> None:
    assert post(running, authority.issue("ct.example")) == 200
    assert {row.calling_ae_title for row in running.instances()} <= {"CT"}
    assert running.wait_for_event("received").text.startswith("CT sent 1")


def test_who_shows_another_or_none_is_refused(running: Served, authority: Authority) -> None:
    assert post(running, authority.issue("mr.example")) == 401
    assert post(running, None) == 401
    event = running.wait_for_event("association-rejected")
    assert event.data["reason"] == "web-credentials"
    assert post(running, authority.issue("far.example")) == 403


def test_a_token_works_beside_certificates(running: Served, authority: Authority) -> None:
    from tests.deploy.node.web.served import TOKEN

    assert post(running, None, token=TOKEN) == 200


def test_an_untrusted_certificate_gets_no_connection(running: Served, authority: Authority, tmp_path: Path) -> None:
    foreign = Authority(tmp_path, "elsewhere").issue("ct.example")
    with pytest.raises(requests.exceptions.RequestException):
        post(running, foreign, trusted=authority.path)
    event = running.wait_for_event("association-rejected", reason="web-tls")
    assert "unable to get local issuer certificate" in event.text
    assert running.files() == []


def test_renewed_files_count_from_the_next_connection_on(running: Served, authority: Authority, tmp_path: Path) -> None:
    caller = authority.issue("ct.example")
    before = ssl.get_server_certificate(("127.0.0.1", running.port))
    assert post(running, caller) == 200
    authority.issue("node")
    assert ssl.get_server_certificate(("127.0.0.1", running.port)) != before
    assert post(running, caller) == 200
    # Another authority takes over: who was trusted is no more.
    content = authority.path.read_bytes()
    successor = Authority(tmp_path, "successor")
    kept = tmp_path / "kept.pem"
    kept.write_bytes(content)
    replace(authority.path, successor.path.read_bytes())
    with pytest.raises(requests.exceptions.RequestException):
        post(running, caller, trusted=kept)
    assert post(running, successor.issue("ct.example"), trusted=kept) == 200
