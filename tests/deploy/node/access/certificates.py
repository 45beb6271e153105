"""Certificates made for a test: an authority, and what it signs."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from deploy.node.config import TLSConfig


@dataclass(frozen=True)
class Authority:
    """Signs certificates; its own lies in ``folder`` as ``<name>.pem``."""

    folder: Path
    name: str = "authority"

    @cached_property
    def key(self) -> EllipticCurvePrivateKey:
        return generate_private_key(SECP256R1())

    @cached_property
    def path(self) -> Path:
        """The file that those have who trust this authority."""
        now = datetime.now(timezone.utc)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_name(self.name))
            .issuer_name(_name(self.name))
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=400))
            .not_valid_after(now + timedelta(days=400))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self.key, SHA256())
        )
        path = self.folder / f"{self.name}.pem"
        path.write_bytes(certificate.public_bytes(Encoding.PEM))
        return path

    def issue(
        self, name: str, *, dns: tuple[str, ...] = (), days: float = 365, since: float = 1, old_kind: bool = False
    ) -> TLSConfig:
        """One end of TLS, valid from ``since`` days ago for ``days`` from now: files ``<name>.pem``, ``<name>.key``.

        Files of the same name are replaced, as a renewal does. It also bears the address of this machine. Its key is
        elliptic, or of the ``old_kind``: RSA.
        """
        key = rsa.generate_private_key(65537, 2048) if old_kind else generate_private_key(SECP256R1())
        now = datetime.now(timezone.utc)
        names: list[x509.GeneralName] = [x509.DNSName(each) for each in dns]
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name(self.name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=since))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self.key, SHA256())
        )
        tls = TLSConfig(certificate=self.folder / f"{name}.pem", key=self.folder / f"{name}.key", trusted=self.path)
        replace(tls.certificate, certificate.public_bytes(Encoding.PEM))
        replace(tls.key, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        tls.key.chmod(0o600)
        return tls


def replace(path: Path, content: bytes) -> None:
    """Replace a file as careful tools do: under its name is always a whole one."""
    other = path.with_suffix(path.suffix + ".new")
    other.write_bytes(content)
    other.rename(path)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
