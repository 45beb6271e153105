"""What a worker says of the job that it holds, and what ends a delivery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from deploy.node.database import Database, Delivery, Job, JobState, Study
from deploy.node.failure import FailureKind
from deploy.node.jobs.leases import Claim, held, wanted
from deploy.node.jobs.retries import RETRIES, Retry, fail_job
from deploy.node.jobs.transitions import cancel_held, change, now
from operators.outcome import Outcome
from operators.refused import Reason


@dataclass(frozen=True)
class NewDelivery:
    """A result object and where it has to go; ``path`` is relative to the outbox."""

    destination: str
    sop_instance_uid: str
    sop_class_uid: str
    path: str


def begin_verification(database: Database, claim: Claim, outcome: Outcome) -> None:
    """The app has finished: keep what it says about its run in the log."""
    with database.write() as session:
        job = wanted(session, claim)
        change(
            session,
            job,
            JobState.VERIFYING,
            outcome.told or outcome.status,
            seconds=dict(outcome.seconds),
            decisions=[decision.model_dump() for decision in outcome.decisions],
            gates=[gate.model_dump(mode="json") for gate in outcome.gates],
            files=list(outcome.files),
        )


def begin_delivery(database: Database, claim: Claim, outcome: Outcome, deliveries: Sequence[NewDelivery]) -> None:
    """The results are right and in the outbox: queue them for their destinations."""
    due = now()
    with database.write() as session:
        job = wanted(session, claim)
        _keep_outcome(job, outcome)
        for delivery in deliveries:
            session.add(
                Delivery(
                    job_id=job.id,
                    destination=delivery.destination,
                    sop_instance_uid=delivery.sop_instance_uid,
                    sop_class_uid=delivery.sop_class_uid,
                    path=delivery.path,
                    not_before=due,
                )
            )
        destinations = ", ".join(sorted({delivery.destination for delivery in deliveries}))
        text = f"{len(deliveries)} objects to deliver to {destinations}"
        change(session, job, JobState.DELIVERING, text)
        # An app may have nothing to say.
        conclude_delivery(session, job.id)


def refuse(database: Database, claim: Claim, outcome: Outcome) -> None:
    """The input must not be analysed and there is nothing to deliver about it: the job ends."""
    with database.write() as session:
        job = wanted(session, claim)
        _keep_outcome(job, outcome)
        change(session, job, JobState.REFUSED, outcome.summary)


def conclude_delivery(session: Session, job_id: int) -> bool:
    """End a job if each of its deliveries has arrived; part of the transaction that says so of the last one."""
    job = session.get_one(Job, job_id)
    session.flush()
    left = select(Delivery.id).where(Delivery.job_id == job_id, Delivery.delivered.is_(None)).limit(1)
    if job.state is not JobState.DELIVERING or session.scalars(left).first() is not None:
        return False
    if job.reason:
        change(session, job, JobState.REFUSED, "the refusal has been delivered")
    else:
        change(session, job, JobState.DELIVERED, "every result has been delivered")
    return True


def fail(
    database: Database,
    claim: Claim,
    kind: FailureKind,
    detail: str,
    *,
    maximum_attempts: int,
    retries: Mapping[FailureKind, Retry] = RETRIES,
) -> None:
    """The attempt came to nothing: queue the job again for later or, after the last attempt, give it up."""
    with database.write() as session:
        fail_job(session, held(session, claim), kind, detail, maximum_attempts, retries)


def end_interrupted(database: Database, claim: Claim) -> JobState:
    """The run was ended because it had to: cancel the job if that was asked for, else put it back; return its state.

    Raises :class:`deploy.node.jobs.LostLeaseError` if it is another's by now.
    """
    with database.write() as session:
        job = held(session, claim)
        if job.cancel_requested:
            cancel_held(session, job, "the run has been ended")
        else:
            fail_job(session, job, FailureKind.LOST_LEASE, "the lease could not be renewed in time", 0)
        return job.state


def supersede(database: Database, claim: Claim) -> None:
    """App, model or settings are no longer those the job was made for: decide over its study anew."""
    with database.write() as session:
        job = held(session, claim)
        session.get_one(Study, job.study_instance_uid).reopen()
        fail_job(session, job, FailureKind.OUTDATED, "the study is decided over anew", 0)


def give_back(database: Database, claim: Claim) -> None:
    """The node stops: queue the job again as if this attempt had not been begun."""
    with database.write() as session:
        job = held(session, claim)
        job.attempts -= 1
        if job.cancel_requested:
            cancel_held(session, job, "the node stops")
        else:
            change(session, job, JobState.QUEUED, "given back, as the node stops")


def _keep_outcome(job: Job, outcome: Outcome) -> None:
    refused = outcome.status == "refused"
    job.reason = Reason(outcome.reason).value if refused else ""
    job.detail = outcome.detail if refused else outcome.told
