"""``gantry.yaml``: the one configuration file of a node."""

from __future__ import annotations

from deploy.node.config.apps import SENDER, AppConfig, PriorsConfig
from deploy.node.config.destinations import ArchiveConfig, DestinationConfig
from deploy.node.config.disk import DiskConfig
from deploy.node.config.load import ENVIRONMENT_PREFIX, ConfigError, check_apps, load_config
from deploy.node.config.node import NodeConfig
from deploy.node.config.part import ApplicationEntityTitle, Host, TLSConfig
from deploy.node.config.peers import PeerConfig, Permission
from deploy.node.config.readiness import ReadinessConfig
from deploy.node.config.receive import ReceiveConfig, ReceiveTLSConfig
from deploy.node.config.web import WebConfig

__all__ = [
    "ENVIRONMENT_PREFIX",
    "SENDER",
    "AppConfig",
    "ApplicationEntityTitle",
    "ArchiveConfig",
    "ConfigError",
    "DestinationConfig",
    "DiskConfig",
    "Host",
    "NodeConfig",
    "PeerConfig",
    "Permission",
    "PriorsConfig",
    "ReadinessConfig",
    "ReceiveConfig",
    "ReceiveTLSConfig",
    "TLSConfig",
    "WebConfig",
    "check_apps",
    "load_config",
]
