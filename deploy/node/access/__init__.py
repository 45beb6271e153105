"""Who may call the node and what each caller may do; what was refused; TLS in and out."""

from __future__ import annotations

from deploy.node.access.check import access_warnings, check_access
from deploy.node.access.judge import Accepted, Access, Reason, Rejected
from deploy.node.access.rejections import Rejection, Rejections
from deploy.node.access.tls import CertificateWatch, certificate_names, client_context, server_context
from deploy.node.access.web import WebAccess, WebRejected

__all__ = [
    "Accepted",
    "Access",
    "CertificateWatch",
    "Reason",
    "Rejected",
    "Rejection",
    "Rejections",
    "WebAccess",
    "WebRejected",
    "access_warnings",
    "certificate_names",
    "check_access",
    "client_context",
    "server_context",
]
