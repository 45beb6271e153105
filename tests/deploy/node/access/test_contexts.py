"""Contexts between two real sockets: who gets through, and that files are followed."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest

from deploy.node.access import certificate_names, client_context, server_context
from deploy.node.config import ConfigError, TLSConfig
from tests.deploy.node.access.certificates import Authority, replace


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def meet(
    server: ssl.SSLContext, client: ssl.SSLContext, host: str = "127.0.0.1"
) -> tuple[tuple[str, ...], str | None, int]:
    """One connection: the names that the server saw, the protocol, and the client's serial number at the server."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        errors: list[Exception] = []

        def call() -> None:
            try:
                with (
                    socket.create_connection(listener.getsockname(), timeout=20) as plain,
                    client.wrap_socket(plain, server_hostname=host) as secure,
                ):
                    # With TLS 1.3 the server's verdict over our certificate comes with its first data.
                    secure.recv(1)
            except OSError as error:
                errors.append(error)

        caller = threading.Thread(target=call)
        caller.start()
        accepted, _ = listener.accept()
        accepted.settimeout(20)
        try:
            with accepted, server.wrap_socket(accepted, server_side=True) as secure:
                secure.send(b"!")
                certificate = secure.getpeercert() or {}
                seen = certificate_names(secure), secure.version(), int(str(certificate["serialNumber"]), 16)
        finally:
            caller.join(20)
        if errors:
            raise errors[0]
        return seen


def test_both_sides_show_certificates_and_the_names_are_told(authority: Authority) -> None:
    node, peer = authority.issue("node"), authority.issue("ct", dns=("ct.example", "ct2.example"))
    names, version, _ = meet(server_context(node), client_context(peer))
    assert names == ("ct.example", "ct2.example", "ct")
    assert version == "TLSv1.3"


@pytest.mark.parametrize(
    ("version", "name"), [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")]
)
def test_tls_1_2_and_1_3_are_spoken(authority: Authority, version: ssl.TLSVersion, name: str) -> None:
    client = authority.issue("ct")
    context = ssl.create_default_context(cafile=str(client.trusted))
    context.load_cert_chain(client.certificate, client.key)
    context.minimum_version = context.maximum_version = version
    assert meet(server_context(authority.issue("node")), context)[1] == name


def test_older_protocols_and_other_cipher_suites_are_not_spoken(authority: Authority) -> None:
    node = server_context(authority.issue("node"))
    client = authority.issue("ct")
    context = ssl.create_default_context(cafile=str(client.trusted))
    context.load_cert_chain(client.certificate, client.key)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA256")
    with pytest.raises(ssl.SSLError):
        meet(node, context)
    assert node.minimum_version is ssl.TLSVersion.TLSv1_2
    tls_1_2 = {suite["name"] for suite in node.get_ciphers() if suite["protocol"] == "TLSv1.2"}
    assert all(name.startswith("ECDHE-") and "-GCM-" in name for name in tls_1_2)


def test_a_caller_without_a_certificate_is_refused(authority: Authority) -> None:
    context = ssl.create_default_context(cafile=str(authority.path))
    with pytest.raises(ssl.SSLError, match=r"(?i)peer did not return a certificate"):
        meet(server_context(authority.issue("node")), context)


def test_a_caller_of_another_authority_is_refused(authority: Authority, tmp_path: Path) -> None:
    foreign = Authority(tmp_path, "elsewhere").issue("ct")
    caller = foreign.model_copy(update={"trusted": authority.path})
    with pytest.raises(ssl.SSLError):
        meet(server_context(authority.issue("node")), client_context(caller))


def test_an_expired_certificate_of_a_caller_is_refused(authority: Authority) -> None:
    expired = authority.issue("ct", days=-0.5)
    context = ssl.create_default_context(cafile=str(authority.path))
    context.load_cert_chain(expired.certificate, expired.key)
    with pytest.raises(ssl.SSLError, match="expired"):
        meet(server_context(authority.issue("node")), context)


def test_a_server_of_another_name_is_refused(authority: Authority) -> None:
    with pytest.raises(ssl.SSLError):
        meet(server_context(authority.issue("node")), client_context(authority.issue("ct")), "pacs.example")


def test_a_renewed_certificate_is_used_by_the_next_connection(authority: Authority) -> None:
    node, peer = authority.issue("node"), authority.issue("ct")
    first = meet(server_context(node), client_context(peer))[2]
    assert meet(server_context(node), client_context(peer))[2] == first
    authority.issue("ct")
    authority.issue("node")
    assert meet(server_context(node), client_context(peer))[2] != first


def test_an_authority_that_is_no_longer_trusted_is_refused_from_the_next_connection_on(
    authority: Authority, tmp_path: Path
) -> None:
    node, peer = authority.issue("node"), authority.issue("ct")
    meet(server_context(node), client_context(peer))
    replace(authority.path, Authority(tmp_path, "elsewhere").path.read_bytes())
    with pytest.raises(ssl.SSLError):
        meet(server_context(node), client_context(peer.model_copy(update={"trusted": authority.path})))


def test_broken_new_files_leave_the_old_certificate_in_use_and_are_told(
    authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    node, peer = authority.issue("node"), authority.issue("ct")
    server_context(node)
    replace(node.certificate, b"half a certif")
    for _ in range(3):
        meet(server_context(node), client_context(peer))
    told = [line for line in capsys.readouterr().err.splitlines() if "certificate-unusable" in line]
    assert len(told) == 1
    assert str(node.certificate) in told[0]
    authority.issue("node")
    meet(server_context(node), client_context(peer))


def test_files_that_cannot_be_used_are_an_error_at_first(authority: Authority) -> None:
    tls = TLSConfig(certificate=authority.folder / "absent.pem", key=authority.path, trusted=authority.path)
    with pytest.raises(ConfigError, match=r"absent\.pem cannot be read"):
        server_context(tls)
