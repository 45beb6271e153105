"""Who may call the node and what each caller may do; what was refused; TLS in and out.

The doors are opened when they are asked for: a receiver process, which only judges callers, imports no more than that.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deploy.node.access.check import access_warnings, check_access
    from deploy.node.access.judge import Accepted, Access, Reason, Rejected
    from deploy.node.access.rejections import Rejection, Rejections
    from deploy.node.access.tls import CertificateWatch, certificate_names, client_context, server_context
    from deploy.node.access.web import WebAccess, WebRejected

_HOMES = {
    "check": ("access_warnings", "check_access"),
    "judge": ("Accepted", "Access", "Reason", "Rejected"),
    "rejections": ("Rejection", "Rejections"),
    "tls": ("CertificateWatch", "certificate_names", "client_context", "server_context"),
    "web": ("WebAccess", "WebRejected"),
}

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


def __getattr__(name: str) -> object:
    """Import what is asked for (PEP 562)."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__} has no attribute {name}")
