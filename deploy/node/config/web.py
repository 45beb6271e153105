"""The node's HTTP side: STOW-RS, metrics and health."""

from __future__ import annotations

from pydantic import Field

from deploy.node.config.part import Host, Network, Part, Port, TLSConfig


class WebConfig(Part):
    """Where the node listens for HTTP; with ``tls`` for HTTPS, and peers may show a certificate."""

    host: Host = "127.0.0.1"
    port: Port = 8042
    tls: TLSConfig | None = None
    # Who may read /metrics and /health, beside this machine itself.
    monitoring_networks: tuple[Network, ...] = ()
    maximum_request_bytes: int = Field(default=4 * 1024**3, ge=1024)
