"""DICOM TLS, in and out (PS3.15 B.12, BCP 195)."""

from __future__ import annotations

from deploy.node.access.tls.configured import CertificateWatch, tls_ends
from deploy.node.access.tls.contexts import client_context, server_context
from deploy.node.access.tls.names import certificate_names

__all__ = ["CertificateWatch", "certificate_names", "client_context", "server_context", "tls_ends"]
