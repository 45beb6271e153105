from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from deploy.node.access import CertificateWatch, access_warnings, check_access
from deploy.node.config import ConfigError, NodeConfig, TLSConfig
from deploy.node.database import Event, open_database
from tests.deploy.node.access.certificates import Authority, replace

CT = {"ae_title": "CT", "networks": ["10.0.0.0/8"]}


def node(tls: TLSConfig | None = None, **peer: Any) -> NodeConfig:
    receive = {"tls": tls.model_dump()} if tls is not None else {}
    return NodeConfig.model_validate({"receive": receive, "web": {}, "peers": {"ct": {**CT, **peer}}})


def _cut(tls: TLSConfig, authority: Authority) -> None:
    replace(tls.certificate, tls.certificate.read_bytes()[:100])


def _other_key(tls: TLSConfig, authority: Authority) -> None:
    replace(tls.key, authority.issue("other").key.read_bytes())


def _no_key(tls: TLSConfig, authority: Authority) -> None:
    replace(tls.key, b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda tls, authority: tls.certificate.unlink(), r"receive\.tls\.certificate: .*node\.pem cannot be read"),
        (_cut, r"receive\.tls\.certificate: .*node\.pem holds no certificate in PEM"),
        (lambda tls, authority: authority.issue("node", days=-0.5), r"the certificate in .*node\.pem has expired on"),
        (lambda tls, authority: authority.issue("node", since=-1), r"node\.pem is not valid before"),
        (lambda tls, authority: tls.key.unlink(), r"receive\.tls\.key: .*node\.key cannot be read"),
        (_other_key, r"receive\.tls\.key: .*node\.key is not the key of the certificate .*node\.pem"),
        (_no_key, r"receive\.tls\.key: .*node\.key holds no private key"),
        (lambda tls, authority: tls.trusted.write_bytes(b""), r"receive\.tls\.trusted: .* holds no certificate"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(
    tmp_path: Path, harm: Callable[[TLSConfig, Authority], object], told: str
) -> None:
    authority = Authority(tmp_path)
    tls = authority.issue("node")
    config = node(tls)
    check_access(config, tmp_path / "gantry.yaml")
    harm(tls, authority)
    with pytest.raises(ConfigError, match=told) as caught:
        check_access(config, tmp_path / "gantry.yaml")
    assert str(caught.value).startswith(str(tmp_path / "gantry.yaml"))


def test_a_certificate_that_expires_soon_is_a_warning(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    assert list(access_warnings(node(authority.issue("node", days=40)))) == []
    (warning,) = access_warnings(node(authority.issue("node", days=20)))
    assert "receive.tls.certificate: CN=node" in warning
    assert "expires on" in warning


def test_a_key_that_others_can_read_is_a_warning(tmp_path: Path) -> None:
    tls = Authority(tmp_path).issue("node")
    tls.key.chmod(0o644)
    (warning,) = access_warnings(node(tls))
    assert "chmod 600" in warning


def test_open_doors_are_warnings(tmp_path: Path) -> None:
    (warning,) = access_warnings(NodeConfig())
    assert "nobody may send" in warning
    (warning,) = access_warnings(node(networks=["0.0.0.0/0"]))
    assert "anybody who says that it is CT may call from everywhere" in warning
    (warning,) = access_warnings(node(token_file=tmp_path / "token"))
    assert "can be read on its way" in warning


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "cannot be read"), ("", "one token"), ("short", "16 characters"), ("a b" * 9, "spaces")],
)
def test_a_token_that_is_none_is_an_error(tmp_path: Path, content: str | None, told: str) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=rf"peers\.ct\.token_file: .*{told}"):
        check_access(node(token_file=path), tmp_path / "gantry.yaml")


def test_two_peers_cannot_have_one_token(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("0123456789abcdef\n")
    config = NodeConfig.model_validate(
        {"web": {}, "peers": {name: {**CT, "token_file": path} for name in ("ct", "mr")}}
    )
    with pytest.raises(ConfigError, match=r"peers\.mr\.token_file: it is the token of ct, too"):
        check_access(config, tmp_path / "gantry.yaml")


def test_changes_of_certificates_are_events(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = authority.issue("node")
    database = open_database(tmp_path / "data")
    watch = CertificateWatch(node(tls), database)
    assert not watch.look()
    authority.issue("node", days=20)
    assert watch.look()
    assert not watch.look()
    replace(tls.certificate, b"?")
    assert watch.look()
    with database.read() as session:
        events = list(session.scalars(select(Event).order_by(Event.id)))
    assert [event.kind for event in events] == ["certificate-renewed", "certificate-expiring", "certificate-unusable"]
    assert all("receive.tls" in event.text for event in events)
