"""Room on the disk: what is accepted while there is some, and what is deleted when.

Doors: :class:`Space` for whoever wants to write; :class:`deploy.node.disk.watch.SpaceWatch`,
:class:`deploy.node.disk.retention.Retention` and :func:`deploy.node.disk.trash.settle_trash` for the node. Only the
first is imported here, as a receiver process imports as little as possible.
"""

from __future__ import annotations

from deploy.node.disk.space import Space

__all__ = ["Space"]
