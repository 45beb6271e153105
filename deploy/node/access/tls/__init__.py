"""DICOM TLS, in and out (PS3.15 B.12, BCP 195)."""

from __future__ import annotations

from deploy.node.access.tls.contexts import client_context, server_context
from deploy.node.access.tls.files import check_files, expiry_warnings
from deploy.node.access.tls.names import certificate_names

__all__ = ["certificate_names", "check_files", "client_context", "expiry_warnings", "server_context"]
