"""The index: what the node knows, in one database that can be rebuilt from the spool.

Each change of a job is one transaction together with its row in the event log.
"""

from __future__ import annotations

from deploy.node.database.base import Base, UTCDateTime
from deploy.node.database.connection import (
    BUSY_TIMEOUT_SECONDS,
    FILE_NAME,
    Database,
    check_database,
    is_passing,
    open_database,
)
from deploy.node.database.deliveries import Delivery, DestinationState
from deploy.node.database.disk import DiskSample
from deploy.node.database.errors import NewerDatabaseError, OlderDatabaseError
from deploy.node.database.events import Event
from deploy.node.database.jobs import Job, JobState, PausedApp
from deploy.node.database.peers import AvailableInstances, CommitmentRequest, ProcedureStep, Sender
from deploy.node.database.studies import AppDecision, Instance, PriorStudy, Study

__all__ = [
    "BUSY_TIMEOUT_SECONDS",
    "FILE_NAME",
    "AppDecision",
    "AvailableInstances",
    "Base",
    "CommitmentRequest",
    "Database",
    "Delivery",
    "DestinationState",
    "DiskSample",
    "Event",
    "Instance",
    "Job",
    "JobState",
    "NewerDatabaseError",
    "OlderDatabaseError",
    "PausedApp",
    "PriorStudy",
    "ProcedureStep",
    "Sender",
    "Study",
    "UTCDateTime",
    "check_database",
    "is_passing",
    "open_database",
]
