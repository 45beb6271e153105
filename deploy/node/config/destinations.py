"""Where results go, and archives that are asked for what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from deploy.node.config.part import ApplicationEntityTitle, Host, Part, Port, Seconds, TLSConfig


class DestinationConfig(Part):
    """One peer that results are sent to: by C-STORE (``ae_title``, ``host``, ``port``) or by STOW-RS (``url``)."""

    ae_title: ApplicationEntityTitle | None = None
    host: Host | None = None
    port: Port | None = None
    # The DICOMweb service's root, below which /studies is.
    url: str | None = Field(default=None, pattern=r"^https?://[^/]+")
    token_file: Path | None = None
    tls: TLSConfig | None = None
    first_retry_seconds: Seconds = 5.0
    longest_retry_seconds: Seconds = 900.0
    answer_seconds: Seconds = 120.0
    # Whether a result counts as delivered only when the peer has committed itself to keep it (PS3.4 annex J).
    storage_commitment: bool = False
    # How long to wait for that report before it is asked for again.
    commitment_seconds: Seconds = 3600.0

    @model_validator(mode="after")
    def _has_one_address(self) -> DestinationConfig:
        by_store = (self.ae_title, self.host, self.port)
        if self.url is None and None in by_store:
            raise ValueError("a destination has ae_title, host and port (C-STORE), or url (STOW-RS)")
        if self.url is not None and any(value is not None for value in by_store):
            raise ValueError("a destination has either url (STOW-RS) or ae_title, host and port (C-STORE)")
        if self.url is not None and self.storage_commitment:
            raise ValueError("storage_commitment needs a destination with ae_title, host and port")
        if self.url is None and self.token_file is not None:
            raise ValueError("token_file is for a destination with url")
        return self


class ArchiveConfig(Part):
    """A PACS that the node asks (C-FIND) and fetches from (C-GET or C-MOVE)."""

    ae_title: ApplicationEntityTitle
    host: Host
    port: Port
    tls: TLSConfig | None = None
    retrieve: Literal["get", "move"] = "get"
    answer_seconds: Seconds = 60.0
