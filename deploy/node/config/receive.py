"""How the node receives."""

from __future__ import annotations

from pydantic import Field

from deploy.node.config.part import ApplicationEntityTitle, Host, Part, Port, Seconds, TLSConfig, Uid


class ReceiveTLSConfig(TLSConfig):
    """The port for DICOM TLS: a peer has to show a certificate that we trust, too."""

    port: Port = 2762


class ReceiveConfig(Part):
    """The storage SCP and the services beside it."""

    ae_title: ApplicationEntityTitle = "GANTRY"
    host: Host = "0.0.0.0"
    port: Port = 11112
    tls: ReceiveTLSConfig | None = None
    # None: as many as there are cores, at most four.
    processes: int | None = Field(default=None, ge=1, le=64)
    # A buffer of this size is kept for each association.
    maximum_pdu_size: int = Field(default=131072, ge=4096, le=16 * 1024**2)
    # Of all processes together.
    maximum_associations: int = Field(default=64, ge=1)
    # How long a peer may be silent within an association before it counts as gone.
    network_timeout_seconds: Seconds = 60.0
    maximum_association_seconds: Seconds = 21600.0
    maximum_instance_bytes: int = Field(default=8 * 1024**3, ge=1024)
    # Storage SOP classes that the standard does not know.
    private_sop_classes: tuple[Uid, ...] = ()
