"""Why a database cannot be used by this version."""

from __future__ import annotations


class NewerDatabaseError(RuntimeError):
    """The database is of a version of this product that came after this one."""


class OlderDatabaseError(RuntimeError):
    """The database's tables have to be brought up to date first, which the node does when it starts."""
