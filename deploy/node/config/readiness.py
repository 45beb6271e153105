"""When a study counts as complete."""

from __future__ import annotations

from pydantic import Field, model_validator

from deploy.node.config.part import Part


class ReadinessConfig(Part):
    """How long the node waits, and whom it asks."""

    quiet_seconds: float = Field(default=5.0, ge=0)
    # A sender that is known to pause between its images is given more time, up to this.
    longest_quiet_seconds: float = Field(default=60.0, ge=0)
    maximum_wait_seconds: float = Field(default=120.0, ge=0)
    # Name of the archive that is asked how many instances the study has.
    archive: str | None = None

    @model_validator(mode="after")
    def _times_are_in_order(self) -> ReadinessConfig:
        if self.longest_quiet_seconds < self.quiet_seconds:
            raise ValueError("longest_quiet_seconds is at least quiet_seconds")
        return self
