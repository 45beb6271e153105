"""Who gets an association, what is answered to the others, and TLS, as they stand in the node's code."""

from __future__ import annotations

from http import HTTPStatus

from deploy.conformance.markdown import table
from deploy.node.access.judge import DIAGNOSTICS, REJECTED_PERMANENT, SERVICE_USER, Reason
from deploy.node.access.tls.contexts import CIPHER_SUITES
from deploy.node.config import ReceiveConfig, ReceiveTLSConfig
from deploy.node.receive import association, negotiation


def acceptance() -> str:
    """Return the association policies of the acceptor."""
    defaults = ReceiveConfig()
    return table(
        ("policy", "value"),
        (
            ("AE title", f"`{defaults.ae_title}`, configurable (`receive.ae_title`)"),
            ("port", f"{defaults.port}, configurable (`receive.port`)"),
            ("port for TLS", f"{_tls_port()} where it is configured (`receive.tls`)"),
            ("called AE title", "has to be the node's, or the one that is configured for the peer"),
            ("calling AE titles and addresses", "those of `peers`; all others are rejected"),
            ("maximum PDU size received", f"{defaults.maximum_pdu_size} bytes, configurable"),
            ("associations at a time", f"{defaults.maximum_associations}, configurable; more are rejected (transient)"),
            ("time for the request (ARTIM)", f"{association.NEGOTIATION_SECONDS:g} s"),
            ("silence after which a peer counts as gone", f"{defaults.network_timeout_seconds:g} s, configurable"),
            ("longest association", f"{defaults.maximum_association_seconds:g} s, configurable"),
            ("largest instance", f"{defaults.maximum_instance_bytes} bytes, configurable; more is refused with A700"),
            ("asynchronous operations window", "not supported: one request at a time"),
            ("SCP/SCU role selection", "for Storage Commitment"),
            ("SOP class extended negotiation", "not supported"),
            ("user identity negotiation", "not supported"),
        ),
    )


_MEANINGS = {
    Reason.CALLING_AE_TITLE: "no peer has this calling AE title",
    Reason.NETWORK: "the peer may not call from this address",
    Reason.CALLED_AE_TITLE: "the peer has to call another AE title",
    Reason.TLS: "the peer has to come over TLS",
    Reason.CERTIFICATE_NAME: "the certificate bears another name than is configured for the peer",
}


def rejections() -> str:
    """Return what is answered in A-ASSOCIATE-RJ (PS3.8 table 9-21) when."""
    transient = negotiation.REJECTED_TRANSIENT, negotiation.PROVIDER_PRESENTATION
    rows = [((REJECTED_PERMANENT, SERVICE_USER, DIAGNOSTICS[reason]), meaning) for reason, meaning in _MEANINGS.items()]
    rows.append(((*transient, negotiation.TEMPORARY_CONGESTION), "there is no room on the disk"))
    rows.append(((*transient, negotiation.LOCAL_LIMIT_EXCEEDED), "too many associations are open"))
    return table(("result", "source", "reason", "when"), ((*codes, meaning) for codes, meaning in rows))


def tls() -> str:
    """Return how TLS is spoken, as provider and as user."""
    return table(
        ("", ""),
        (
            ("profile", "BCP 195 RFC 8996, 9325 TLS Secure Transport Connection Profile (PS3.15 B.12)"),
            ("versions", "TLS 1.2, TLS 1.3 (preferred)"),
            ("cipher suites of TLS 1.2", ", ".join(f"`{name}`" for name in CIPHER_SUITES)),
            ("authentication", "mutual: both sides show certificates that the other one trusts"),
            ("name of the other side", "as user: the host's (RFC 9525); as provider: `peers.NAME.certificate_name`"),
            ("revocation lists, OCSP", "not supported"),
            ("renewal", "files that change are used from the next connection on"),
            ("port", f"{_tls_port()}, configurable (`receive.tls.port`), beside the one without TLS"),
        ),
    )


_STORE_STATUSES = {
    HTTPStatus.OK: "every instance is stored",
    HTTPStatus.ACCEPTED: "some instances are stored, others not",
    HTTPStatus.BAD_REQUEST: "the path or the multipart body is broken, or there is no part",
    HTTPStatus.UNAUTHORIZED: "there is no valid token and no certificate of a peer",
    HTTPStatus.FORBIDDEN: "the peer may not store, or not from this address, or not without TLS",
    HTTPStatus.NOT_ACCEPTABLE: "`application/dicom+json` is not accepted",
    HTTPStatus.REQUEST_TIMEOUT: "nothing has come for too long (`receive.network_timeout_seconds`)",
    HTTPStatus.CONFLICT: "no instance is stored",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "the request is larger than `web.maximum_request_bytes`",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: 'it is not `multipart/related; type="application/dicom"`',
    HTTPStatus.SERVICE_UNAVAILABLE: "too many connections are open",
    HTTPStatus.INSUFFICIENT_STORAGE: "there is no room on the disk",
}


def store_statuses() -> str:
    """Return the HTTP statuses of the Store transaction (PS3.18 table 10.5.3-1)."""
    return table(("status", "when"), ((int(status), meaning) for status, meaning in _STORE_STATUSES.items()))


def _tls_port() -> int:
    return int(ReceiveTLSConfig.model_fields["port"].default)
