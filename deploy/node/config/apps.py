"""The apps that a node runs."""

from __future__ import annotations

from pydantic import Field

from deploy.node.config.part import Part, Seconds
from deploy.node.config.readiness import ReadinessConfig

SENDER = "sender"
"""The destination that stands for whoever sent the study: its peer's ``host`` and ``port``."""


class PriorsConfig(Part):
    """Earlier studies of the patient that are fetched before the app runs."""

    archive: str
    maximum_studies: int = Field(default=1, ge=1, le=100)
    maximum_age_days: int | None = Field(default=None, ge=1)
    maximum_wait_seconds: Seconds = 300.0


class AppConfig(Part):
    """One app that the node runs: where its results go, on which device, with which settings and limits."""

    destinations: tuple[str, ...] = Field(min_length=1)
    device: str = "auto"
    maximum_attempts: int = Field(default=3, ge=1)
    timeout_seconds: Seconds | None = None
    memory_limit_gib: float | None = Field(default=None, gt=0)
    # How many studies it analyses at once, each in a process of its own.
    concurrency: int = Field(default=1, ge=1, le=64)
    settings: dict[str, float | int | str | bool] = Field(default_factory=dict)
    report_refusals: bool = True
    # A CEL expression over a series' attributes: where it is true of one of the study's series, the job is STAT.
    stat_when: str | None = None
    # In place of the node's own readiness.
    readiness: ReadinessConfig | None = None
    priors: PriorsConfig | None = None
