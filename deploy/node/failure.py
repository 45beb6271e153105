"""How a job can fail: the kinds that the node tells apart."""

from __future__ import annotations

from enum import Enum


class FailureKind(str, Enum):
    """What went wrong; the value is kept as the reason of a failed job."""

    CRASHED = "crashed"
    TIMED_OUT = "timed-out"
    RAISED = "raised"
    VERIFICATION = "verification"
    STORAGE = "storage"
    LOST_LEASE = "lost-lease"
    OUTDATED = "outdated"
    NOT_CONFIGURED = "not-configured"
    NODE = "node"

    @property
    def meaning(self) -> str:
        """The kind as a person reads it."""
        return _MEANINGS[self]


_MEANINGS = {
    FailureKind.CRASHED: "the app's process ended",
    FailureKind.TIMED_OUT: "the app took too long",
    FailureKind.RAISED: "the app raised an error",
    FailureKind.VERIFICATION: "the results are not right",
    FailureKind.STORAGE: "files could not be read or written",
    FailureKind.LOST_LEASE: "the run was interrupted",
    FailureKind.OUTDATED: "app, model or settings have changed since",
    FailureKind.NOT_CONFIGURED: "the app is not configured",
    FailureKind.NODE: "the node itself made a mistake",
}
