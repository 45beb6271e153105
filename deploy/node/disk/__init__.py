"""Room on the disk: what is accepted while there is some, and what is deleted when."""

from __future__ import annotations

from deploy.node.disk.space import Space
from deploy.node.disk.watch import SpaceWatch

__all__ = ["Space", "SpaceWatch"]
