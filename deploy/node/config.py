"""``gantry.yaml``: the one configuration file of a node."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class ConfigError(ValueError):
    """The configuration is wrong: the message names the file, the key and what is allowed."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ReceiveConfig(_Part):
    """The storage SCP."""

    ae_title: str = Field(default="GANTRY", min_length=1, max_length=16)
    host: str = "0.0.0.0"
    port: int = Field(default=11112, ge=1, le=65535)
    maximum_pdu_size: int = Field(default=131072, ge=4096)
    maximum_associations: int = Field(default=16, ge=1)


class ReadinessConfig(_Part):
    """When a study counts as complete."""

    quiet_seconds: float = Field(default=5.0, ge=0)
    maximum_wait_seconds: float = Field(default=120.0, ge=0)


class DestinationConfig(_Part):
    """One peer that results are sent to."""

    ae_title: str = Field(min_length=1, max_length=16)
    host: str
    port: int = Field(ge=1, le=65535)
    first_retry_seconds: float = Field(default=5.0, gt=0)
    longest_retry_seconds: float = Field(default=900.0, gt=0)


class AppConfig(_Part):
    """One app that the node runs: where its results go, on which device, with which settings."""

    destinations: tuple[str, ...] = Field(min_length=1)
    device: str = "auto"
    maximum_attempts: int = Field(default=3, ge=1)
    timeout_seconds: float | None = Field(default=None, gt=0)
    settings: dict[str, float | int | str | bool] = Field(default_factory=dict)
    report_refusals: bool = True


class NodeConfig(_Part):
    """The whole ``gantry.yaml``."""

    data_folder: Path = Path("gantry-data")
    receive: ReceiveConfig = ReceiveConfig()
    readiness: ReadinessConfig = ReadinessConfig()
    destinations: dict[str, DestinationConfig] = Field(default_factory=dict)
    apps: dict[str, AppConfig] = Field(default_factory=dict)
    lease_seconds: float = Field(default=60.0, gt=0)


def load_config(path: Path) -> NodeConfig:
    """Read and validate ``gantry.yaml``.

    Raises :class:`ConfigError` naming the file and every wrong key.
    """
    raise NotImplementedError
