"""Why a job comes to nothing: the kinds that the node tells apart."""

from __future__ import annotations

from enum import Enum


class FailureKind(str, Enum):
    """What went wrong, or why the job is not wanted any more; the value is kept as the job's reason."""

    CRASHED = "crashed"
    OUT_OF_MEMORY = "out-of-memory"
    TIMED_OUT = "timed-out"
    RAISED = "raised"
    VERIFICATION = "verification"
    STORAGE = "storage"
    DISK_FULL = "disk-full"
    LOST_LEASE = "lost-lease"
    NODE = "node"
    OUTDATED = "outdated"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    NOT_CONFIGURED = "not-configured"

    @property
    def meaning(self) -> str:
        """The kind as a person reads it."""
        return _MEANINGS[self]


_MEANINGS = {
    FailureKind.CRASHED: "the app's process ended",
    FailureKind.OUT_OF_MEMORY: "the app needed too much memory",
    FailureKind.TIMED_OUT: "the app took too long",
    FailureKind.RAISED: "the app raised an error",
    FailureKind.VERIFICATION: "the results are not right",
    FailureKind.STORAGE: "files could not be read or written",
    FailureKind.DISK_FULL: "the disk is full",
    FailureKind.LOST_LEASE: "the run was interrupted",
    FailureKind.NODE: "the node itself made a mistake",
    FailureKind.OUTDATED: "app, model or settings have changed since",
    FailureKind.SUPERSEDED: "more images of the study came before it began",
    FailureKind.CANCELLED: "it was cancelled",
    FailureKind.NOT_CONFIGURED: "the app is not configured",
}
