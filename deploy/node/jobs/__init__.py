"""Jobs: from the queue to a final state, under a lease, one transaction with one event for each change.

A worker claims a job (:mod:`.queue`) and holds it by a lease that it renews (:mod:`.leases`); what it says of the job
(:mod:`.progress`) leads it on along the documented diagram (:mod:`.transitions`). A failure is tried again, as often
and as late as its kind tells (:mod:`.retries`); a refusal never is. People pause, cancel and retry (:mod:`.control`).
Nothing else changes the state of a job.
"""

from __future__ import annotations

from deploy.node.jobs.control import (
    begin_redelivery,
    cancel,
    pause,
    pause_app,
    record_unconfigured,
    resume,
    resume_app,
    retry,
    supersede_queued,
    take_back_outdated,
)
from deploy.node.jobs.leases import CancelRequestedError, Claim, LostLeaseError, hold, release_leases
from deploy.node.jobs.progress import (
    NewDelivery,
    begin_delivery,
    begin_verification,
    conclude_delivery,
    end_interrupted,
    fail,
    give_back,
    refuse,
    supersede,
)
from deploy.node.jobs.queue import STAT_IN_A_ROW, claim
from deploy.node.jobs.retries import FAILED_IN_A_ROW, RETRIES, Retry
from deploy.node.jobs.telling import describe
from deploy.node.jobs.transitions import TRANSITIONS, IllegalTransitionError, UnknownJobError

__all__ = [
    "FAILED_IN_A_ROW",
    "RETRIES",
    "STAT_IN_A_ROW",
    "TRANSITIONS",
    "CancelRequestedError",
    "Claim",
    "IllegalTransitionError",
    "LostLeaseError",
    "NewDelivery",
    "Retry",
    "UnknownJobError",
    "begin_delivery",
    "begin_redelivery",
    "begin_verification",
    "cancel",
    "claim",
    "conclude_delivery",
    "describe",
    "end_interrupted",
    "fail",
    "give_back",
    "hold",
    "pause",
    "pause_app",
    "record_unconfigured",
    "refuse",
    "release_leases",
    "resume",
    "resume_app",
    "retry",
    "supersede",
    "supersede_queued",
    "take_back_outdated",
]
