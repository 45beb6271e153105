"""Who may call the node and what each caller may do; what was refused; TLS in and out."""

from __future__ import annotations

from deploy.node.access.judge import Accepted, Access, Reason, Rejected
from deploy.node.access.rejections import Rejection, Rejections
from deploy.node.access.tls import certificate_names, client_context, server_context

__all__ = [
    "Accepted",
    "Access",
    "Reason",
    "Rejected",
    "Rejection",
    "Rejections",
    "certificate_names",
    "client_context",
    "server_context",
]
