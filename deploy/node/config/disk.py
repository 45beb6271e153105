"""How much room the node leaves, and what it deletes when."""

from __future__ import annotations

from pydantic import Field

from deploy.node.config.part import Part


class DiskConfig(Part):
    """Below ``reserve_gib`` of free space nothing is accepted any more; nothing that is undelivered is ever deleted."""

    reserve_gib: float = Field(default=2.0, ge=0)
    # None: nothing is deleted.
    keep_delivered_days: float | None = Field(default=None, ge=0)
    # Studies that concern no app, or were refused or failed.
    keep_other_days: float | None = Field(default=None, ge=0)
