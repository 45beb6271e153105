"""TLS contexts of the BCP 195 profile (PS3.15 B.12; RFC 9325), made anew when their files change."""

from __future__ import annotations

import ssl
import threading
from dataclasses import dataclass

from deploy.node.access.tls.files import Stamps, check_files, file_stamps
from deploy.node.config import ConfigError, TLSConfig
from deploy.node.events import log

CIPHER_SUITES = (
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
)
"""Those that RFC 9325 4.2 recommends for TLS 1.2, by OpenSSL's names; TLS 1.3 has none but good ones."""


@dataclass(frozen=True)
class _Made:
    stamp: Stamps
    # The files that the context was made of may be older than those that were last looked at, if these are broken.
    context: ssl.SSLContext


_Kind = tuple[ssl._SSLMethod, ssl.VerifyMode]

_made: dict[tuple[TLSConfig, _Kind], _Made] = {}
_lock = threading.Lock()


def server_context(tls: TLSConfig, *, certificate_required: bool = True) -> ssl.SSLContext:
    """Return the context to accept connections with: the peer has to show a certificate that we trust, too.

    Where that is not required, a certificate that is shown must be trusted all the same.

    Ask for it anew for each connection: it is made again when a file has changed. New files that cannot be used leave
    the old context in place, and the log says so.

    Raises :class:`ConfigError` where there is no old one.
    """
    return _current(tls, (ssl.PROTOCOL_TLS_SERVER, ssl.CERT_REQUIRED if certificate_required else ssl.CERT_OPTIONAL))


def client_context(tls: TLSConfig) -> ssl.SSLContext:
    """Return the context to call a peer with; give the peer's host name as ``server_hostname``.

    Our certificate is shown, and the peer's has to be trusted and to bear the host's name (RFC 9525). Rotation and
    errors as with :func:`server_context`.
    """
    return _current(tls, (ssl.PROTOCOL_TLS_CLIENT, ssl.CERT_REQUIRED))


def _current(tls: TLSConfig, kind: _Kind) -> ssl.SSLContext:
    with _lock:
        before = _made.get((tls, kind))
        stamp = file_stamps(tls)
        if before is not None and before.stamp == stamp:
            return before.context
        try:
            context = _make(tls, kind)
        except ConfigError as error:
            if before is None:
                raise
            log("certificate-unusable", f"{error}; the one before stays in use")
            context = before.context
        _made[tls, kind] = _Made(stamp, context)
        return context


def _make(tls: TLSConfig, kind: _Kind) -> ssl.SSLContext:
    # OpenSSL's own messages do not say which file is meant, nor what to do.
    check_files(tls, "tls")
    protocol, verify_mode = kind
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(":".join(CIPHER_SUITES))
    # Compression and renegotiation: RFC 9325 3.3 and 3.5.
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.verify_mode = verify_mode
    try:
        context.load_cert_chain(tls.certificate, tls.key)
        context.load_verify_locations(tls.trusted)
    except OSError as error:
        raise ConfigError(f"tls: {tls.certificate}, {tls.key} or {tls.trusted} cannot be used: {error}") from error
    return context
