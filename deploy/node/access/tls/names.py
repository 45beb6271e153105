"""The names that a peer's certificate bears."""

from __future__ import annotations

import ssl
from typing import Any, cast


def certificate_names(connection: ssl.SSLSocket | ssl.SSLObject) -> tuple[str, ...]:
    """Return the DNS names (subjectAltName) and common names of the certificate that the peer has shown.

    The common name counts too: certificates of modalities often have no other (RFC 9525 would not have it for servers
    of the web; here the name is compared with one that the operator has written down for this peer).
    """
    # As the documentation of ``getpeercert`` has it, which typeshed gives one loose type for all values.
    certificate = cast("dict[str, Any]", connection.getpeercert() or {})
    names: list[str] = [value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"]
    names += [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
    return tuple(dict.fromkeys(names))
