"""Room on the disk: what is accepted while there is some, and what is deleted when."""

from __future__ import annotations

from deploy.node.disk.protection import Standing, standings
from deploy.node.disk.retention import Deleted, Retention
from deploy.node.disk.space import Space
from deploy.node.disk.trash import settle_trash
from deploy.node.disk.watch import SpaceWatch

__all__ = ["Deleted", "Retention", "Space", "SpaceWatch", "Standing", "settle_trash", "standings"]
