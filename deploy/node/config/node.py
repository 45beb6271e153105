"""The whole ``gantry.yaml``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, model_validator

from deploy.node.config.apps import SENDER, AppConfig
from deploy.node.config.destinations import ArchiveConfig, DestinationConfig
from deploy.node.config.disk import DiskConfig
from deploy.node.config.part import Part, Seconds
from deploy.node.config.peers import PeerConfig
from deploy.node.config.readiness import ReadinessConfig
from deploy.node.config.receive import ReceiveConfig
from deploy.node.config.web import WebConfig

_ALL_ADDRESSES = frozenset({"0.0.0.0", "::"})


class NodeConfig(Part):
    """The configuration of one node."""

    data_folder: Path = Path("gantry-data")
    receive: ReceiveConfig = ReceiveConfig()
    peers: dict[str, PeerConfig] = Field(default_factory=dict)
    readiness: ReadinessConfig = ReadinessConfig()
    archives: dict[str, ArchiveConfig] = Field(default_factory=dict)
    destinations: dict[str, DestinationConfig] = Field(default_factory=dict)
    apps: dict[str, AppConfig] = Field(default_factory=dict)
    disk: DiskConfig = DiskConfig()
    web: WebConfig | None = None
    lease_seconds: Seconds = 60.0

    @model_validator(mode="after")
    def _names_exist(self) -> NodeConfig:
        if SENDER in self.destinations:
            raise ValueError(f"destinations: {SENDER!r} stands for the study's sender and cannot be configured")
        for key, name in self._archive_names():
            if name not in self.archives:
                raise ValueError(f"{key}: {name!r} is not one of the archives ({_listed(self.archives)})")
        for app_name, app in self.apps.items():
            for name in app.destinations:
                if name not in self.destinations and name != SENDER:
                    raise ValueError(
                        f"apps.{app_name}.destinations: {name!r} is not one of the destinations "
                        f"({_listed(self.destinations)})"
                    )
        return self

    @model_validator(mode="after")
    def _peers_can_come(self) -> NodeConfig:
        offers_tls = self.receive.tls is not None or (self.web is not None and self.web.tls is not None)
        for name, peer in self.peers.items():
            if peer.tls and not offers_tls:
                raise ValueError(f"peers.{name}.tls: the node offers no TLS; it needs receive.tls or web.tls")
            if peer.token_file is not None and self.web is None:
                raise ValueError(f"peers.{name}.token_file: the node has no web side; it needs web")
        return self

    @model_validator(mode="after")
    def _ports_differ(self) -> NodeConfig:
        taken: dict[int, tuple[str, str]] = {}
        for key, host, port in self._ports():
            if port in taken and (taken[port][1] == host or not _ALL_ADDRESSES.isdisjoint((taken[port][1], host))):
                raise ValueError(f"{key}: {port} is also {taken[port][0]}: each needs a port of its own")
            taken[port] = (key, host)
        return self

    def _ports(self) -> Iterator[tuple[str, str, int]]:
        yield "receive.port", self.receive.host, self.receive.port
        if self.receive.tls is not None:
            yield "receive.tls.port", self.receive.host, self.receive.tls.port
        if self.web is not None:
            yield "web.port", self.web.host, self.web.port

    def _archive_names(self) -> Iterator[tuple[str, str]]:
        if self.readiness.archive is not None:
            yield "readiness.archive", self.readiness.archive
        for name, app in self.apps.items():
            if app.readiness is not None and app.readiness.archive is not None:
                yield f"apps.{name}.readiness.archive", app.readiness.archive
            if app.priors is not None:
                yield f"apps.{name}.priors.archive", app.priors.archive


def _listed(names: dict[str, DestinationConfig] | dict[str, ArchiveConfig]) -> str:
    return ", ".join(sorted(names)) or "none is configured"
