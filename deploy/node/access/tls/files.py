"""The certificate files of one end of TLS: what is wrong with them, in words that tell the operator what to do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from deploy.node.config import ConfigError, TLSConfig

EXPIRES_SOON = timedelta(days=30)
"""A certificate that ends sooner is told of."""

Stamps = tuple[tuple[int, int, int], ...]


def check_files(tls: TLSConfig, key: str, now: datetime | None = None) -> None:
    """Raise :class:`ConfigError` unless the files of ``tls`` can be used now (``now``: an aware time).

    ``key`` is the key of ``gantry.yaml`` that ``tls`` stands below: the message names it, the file and what is wrong.
    """
    now = now or datetime.now(timezone.utc)
    certificate = _certificates(tls.certificate, f"{key}.certificate")[0]
    _check_times(certificate, tls.certificate, f"{key}.certificate", now)
    if _public(_private_key_of(tls.key, f"{key}.key")) != _public(certificate.public_key()):
        raise ConfigError(f"{key}.key: {tls.key} is not the key of the certificate {tls.certificate}")
    trusted = _certificates(tls.trusted, f"{key}.trusted")
    if all(each.not_valid_after_utc < now for each in trusted):
        raise ConfigError(f"{key}.trusted: every certificate in {tls.trusted} has expired")


def expiry_warnings(tls: TLSConfig, key: str, now: datetime | None = None) -> Iterator[str]:
    """Tell of certificates in readable files of ``tls`` that have expired or will within 30 days."""
    now = now or datetime.now(timezone.utc)
    own = _certificates(tls.certificate, f"{key}.certificate")
    trusted = _certificates(tls.trusted, f"{key}.trusted")
    for name, path, certificates in (("certificate", tls.certificate, own), ("trusted", tls.trusted, trusted)):
        for certificate in certificates:
            end = certificate.not_valid_after_utc
            if end < now:
                yield f"{key}.{name}: {_subject(certificate)} in {path} has expired ({_day(end)})"
            elif end - now < EXPIRES_SOON:
                yield f"{key}.{name}: {_subject(certificate)} in {path} expires on {_day(end)}"


def file_stamps(tls: TLSConfig) -> Stamps:
    """Return what differs as soon as one of the files is another one; of an absent file, zeros."""
    return tuple(map(_stamp, (tls.certificate, tls.key, tls.trusted)))


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0, 0
    return status.st_mtime_ns, status.st_ino, status.st_size


def _certificates(path: Path, key: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(_read(path, key))
    except ValueError as error:
        raise ConfigError(f"{key}: {path} holds no certificate in PEM ({error})") from error


def _private_key_of(path: Path, key: str) -> PublicKeyTypes:
    try:
        return load_pem_private_key(_read(path, key), password=None).public_key()
    except TypeError as error:
        raise ConfigError(
            f"{key}: {path} is encrypted: give a key without a password, in a file of mode 600"
        ) from error
    # What is no key, or one of an algorithm that is not known here.
    except Exception as error:
        raise ConfigError(f"{key}: {path} holds no private key in PEM ({error})") from error


def _read(path: Path, key: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{key}: {path} cannot be read: {error.strerror}") from error


def _check_times(certificate: x509.Certificate, path: Path, key: str, now: datetime) -> None:
    if certificate.not_valid_after_utc < now:
        raise ConfigError(f"{key}: the certificate in {path} has expired on {_day(certificate.not_valid_after_utc)}")
    if certificate.not_valid_before_utc > now:
        raise ConfigError(f"{key}: the certificate in {path} is not valid before {certificate.not_valid_before_utc}")


def _public(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _subject(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string() or "a certificate without a subject"


def _day(time: datetime) -> str:
    return time.date().isoformat()
