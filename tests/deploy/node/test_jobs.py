"""Jobs on a real database: every state, the lease, retries and what the study says of it."""

from __future__ import annotations

import sqlite3
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import select

from deploy.node import jobs
from deploy.node.database import Database, Delivery, Event, Job, JobState, Study
from deploy.node.failure import FailureKind
from deploy.node.jobs import (
    CancelRequestedError,
    Claim,
    IllegalTransitionError,
    LostLeaseError,
    NewDelivery,
    UnknownJobError,
)
from operators.outcome import Figure, Gate, Outcome

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
ANALYSED = Outcome(
    app="tiny", version="1.0.0", input_digest="d", status="analysed", summary="3 lesions", seconds={"total": 1.5}
)
REFUSED = Outcome(
    app="tiny",
    version="1.0.0",
    input_digest="d",
    status="refused",
    reason="missing-slice",
    detail="slice 3 of 20",
    summary="not analysed: A slice is missing: slice 3 of 20",
)
DELIVERIES = [NewDelivery("pacs", f"2.25.{number}", "1.2.840", f"1/{number}.dcm") for number in (1, 2)]


def add_job(database: Database, digest: str = "d", app: str = "tiny") -> int:
    with database.write() as session:
        if session.get(Study, "1.2.3") is None:
            session.add(Study(study_instance_uid="1.2.3", first_received=NOW, last_received=NOW))
        job = Job(
            study_instance_uid="1.2.3",
            app=app,
            app_version="1.0.0",
            input_digest=digest,
            sop_instance_uids=["1.2.3.4", "1.2.3.5"],
            state=JobState.QUEUED,
            started=NOW,
        )
        session.add(job)
        session.flush()
        return job.id


def claim(database: Database, owner: str = "one", lease_seconds: float = 60.0) -> Claim | None:
    return jobs.claim(database, "tiny", owner=owner, lease_seconds=lease_seconds)


def claimed(database: Database, owner: str = "one", lease_seconds: float = 60.0) -> Claim:
    found = claim(database, owner, lease_seconds)
    assert found is not None
    return found


def job_of(database: Database, number: int) -> Job:
    with database.read() as session:
        return session.get_one(Job, number)


def outcome_of(database: Database) -> str:
    with database.read() as session:
        return session.get_one(Study, "1.2.3").outcome


def events_of(database: Database, number: int) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(Event.kind).where(Event.job_id == number).order_by(Event.id)))


def make_due(database: Database, number: int) -> None:
    with database.write() as session:
        session.get_one(Job, number).not_before = datetime.now(timezone.utc) - timedelta(seconds=1)


def test_claim_gives_the_oldest_job_and_each_job_once(database: Database) -> None:
    first, second = add_job(database, "a"), add_job(database, "b")
    held = claimed(database)
    assert (held.job_id, held.attempt, held.sop_instance_uids) == (first, 1, ("1.2.3.4", "1.2.3.5"))
    assert held.started == NOW
    assert claimed(database, "two").job_id == second
    assert claim(database, "three") is None


def test_claim_leaves_jobs_of_other_apps_alone(database: Database) -> None:
    add_job(database, app="another")
    assert claim(database) is None


def test_many_workers_never_claim_one_job_twice(database: Database) -> None:
    numbers = {add_job(database, str(number)) for number in range(20)}
    got: list[int] = []

    def work(owner: str) -> None:
        while (found := claim(database, owner)) is not None:
            got.append(found.job_id)

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(numbers)


def test_job_ends_delivered_with_its_last_delivery(database: Database) -> None:
    number = add_job(database)
    held = claimed(database)
    jobs.begin_verification(database, held, ANALYSED)
    jobs.begin_delivery(database, held, ANALYSED, DELIVERIES)
    for ended in (False, True):
        with database.write() as session:
            row = session.scalars(select(Delivery).where(Delivery.delivered.is_(None))).first()
            assert row is not None
            row.delivered = NOW
            assert jobs.conclude_delivery(session, number) is ended
    job = job_of(database, number)
    assert (job.state, job.reason, job.detail) == (JobState.DELIVERED, "", "3 lesions")
    assert job.finished is not None
    assert job.lease_owner is None
    assert outcome_of(database) == "tiny: 3 lesions"
    assert events_of(database, number) == ["running", "verifying", "delivering", "delivered"]


def test_durations_and_decisions_are_in_the_log(database: Database) -> None:
    number = add_job(database)
    jobs.begin_verification(database, claimed(database), ANALYSED)
    with database.read() as session:
        event = session.scalars(select(Event).where(Event.job_id == number, Event.kind == "verifying")).one()
    assert event.data["seconds"] == {"total": 1.5}


def test_gates_are_in_the_log_of_a_refusal(database: Database) -> None:
    number = add_job(database)
    figure = Figure(code="112226", name="Spacing between slices", value=3.3, unit="mm")
    gate = Gate(
        code="geometry-gate",
        name="Slice geometry",
        subject="FLAIR",
        passed=False,
        reason="missing-slice",
        detail="slice 3 of 20",
        figures=(figure,),
    )
    jobs.begin_verification(database, claimed(database), REFUSED.model_copy(update={"gates": (gate,)}))
    with database.read() as session:
        event = session.scalars(select(Event).where(Event.job_id == number, Event.kind == "verifying")).one()
    assert event.data["gates"] == [gate.model_dump(mode="json")]


def test_refusal_ends_refused_after_its_report_and_keeps_its_reason(database: Database) -> None:
    number = add_job(database)
    held = claimed(database)
    jobs.begin_verification(database, held, REFUSED)
    jobs.begin_delivery(database, held, REFUSED, DELIVERIES[:1])
    with database.write() as session:
        session.scalars(select(Delivery)).one().delivered = NOW
        jobs.conclude_delivery(session, number)
    job = job_of(database, number)
    assert (job.state, job.reason, job.detail) == (JobState.REFUSED, "missing-slice", "slice 3 of 20")
    assert outcome_of(database) == "tiny: not analysed: A slice is missing: slice 3 of 20"
    assert claim(database) is None


def test_refusal_without_a_report_ends_at_once(database: Database) -> None:
    number = add_job(database)
    held = claimed(database)
    jobs.begin_verification(database, held, REFUSED)
    jobs.refuse(database, held, REFUSED)
    assert job_of(database, number).state is JobState.REFUSED


def test_failure_is_tried_again_later_each_time_and_then_given_up(database: Database) -> None:
    number = add_job(database)
    for attempt in (1, 2, 3):
        held = claimed(database)
        assert held.attempt == attempt
        before = datetime.now(timezone.utc)
        jobs.fail(database, held, FailureKind.CRASHED, "killed by SIGSEGV", maximum_attempts=3)
        job = job_of(database, number)
        if attempt < 3:
            assert job.state is JobState.QUEUED
            assert job.not_before is not None
            waited_from = job.not_before - timedelta(seconds=10 * attempt)
            assert before <= waited_from <= datetime.now(timezone.utc)
            assert claim(database) is None
            make_due(database, number)
    assert (job.state, job.reason, job.detail) == (JobState.FAILED, "crashed", "killed by SIGSEGV")
    assert outcome_of(database) == "tiny: not analysed: the app's process ended: killed by SIGSEGV (3 attempts)"


def test_of_a_traceback_the_study_says_the_error(database: Database) -> None:
    add_job(database)
    detail = "Traceback (most recent call last):\n  File ...\nValueError: no such sequence\n"
    jobs.fail(database, claimed(database), FailureKind.RAISED, detail, maximum_attempts=1)
    assert (
        outcome_of(database) == "tiny: not analysed: the app raised an error: ValueError: no such sequence (1 attempts)"
    )


def test_failed_job_is_queued_again_on_request_with_all_its_attempts(database: Database) -> None:
    number = add_job(database)
    jobs.fail(database, claimed(database), FailureKind.CRASHED, "killed", maximum_attempts=1)
    jobs.retry(database, number, asked_by="somebody")
    job = job_of(database, number)
    assert (job.state, job.attempts, job.reason, job.finished) == (JobState.QUEUED, 0, "", None)
    assert claimed(database).attempt == 1


def test_only_a_job_that_came_to_nothing_can_be_queued_again(database: Database) -> None:
    number = add_job(database)
    with pytest.raises(IllegalTransitionError, match=f"job {number} is queued"):
        jobs.retry(database, number, asked_by="somebody")
    with pytest.raises(UnknownJobError, match="no job 77"):
        jobs.retry(database, 77, asked_by="somebody")


def test_states_cannot_be_skipped(database: Database) -> None:
    add_job(database)
    held = claimed(database)
    with pytest.raises(IllegalTransitionError, match="from running to delivering"):
        jobs.begin_delivery(database, held, ANALYSED, DELIVERIES)
    assert events_of(database, held.job_id) == ["running"]
    with database.read() as session:
        assert session.scalars(select(Delivery)).all() == []


def test_expired_lease_is_taken_over_and_its_holder_can_do_nothing_more(database: Database) -> None:
    number = add_job(database)
    first = claimed(database, "first", lease_seconds=0.01)
    time.sleep(0.02)
    second = claimed(database, "second")
    assert (second.job_id, second.attempt) == (number, 2)
    with pytest.raises(LostLeaseError):
        jobs.begin_verification(database, first, ANALYSED)
    with pytest.raises(LostLeaseError):
        jobs.fail(database, first, FailureKind.RAISED, "late", maximum_attempts=3)
    jobs.begin_verification(database, second, ANALYSED)


def test_job_that_is_interrupted_every_time_fails_in_the_end(database: Database) -> None:
    number = add_job(database)
    most = jobs.RETRIES[FailureKind.LOST_LEASE].most
    assert most is not None
    for attempt in range(1, most + 1):
        assert claimed(database).attempt == attempt
        assert jobs.release_leases(database) == 1
    assert claim(database) is None
    job = job_of(database, number)
    assert (job.state, job.reason) == (JobState.FAILED, "lost-lease")
    assert "the run was interrupted" in outcome_of(database)


def test_held_job_keeps_its_lease(database: Database) -> None:
    add_job(database)
    held = claimed(database, lease_seconds=3.0)
    with jobs.hold(database, held, 3.0):
        time.sleep(4.0)
        assert claim(database, "other") is None
        jobs.begin_verification(database, held, ANALYSED)


def test_holder_is_told_of_a_cancellation_and_of_a_lost_lease(database: Database) -> None:
    number = add_job(database)
    held = claimed(database)
    with jobs.hold(database, held, 60.0) as interrupted:
        assert not interrupted.is_set()
        jobs.cancel(database, number, asked_by="somebody")
        assert interrupted.wait(30)
        with pytest.raises(CancelRequestedError):
            jobs.begin_verification(database, held, ANALYSED)
        assert jobs.end_interrupted(database, held) is JobState.CANCELLED
    jobs.retry(database, number, asked_by="somebody")
    held = claimed(database)
    with jobs.hold(database, held, 60.0) as interrupted:
        jobs.release_leases(database)
        assert interrupted.wait(30)
        with pytest.raises(LostLeaseError):
            jobs.end_interrupted(database, held)


def test_holder_that_cannot_renew_its_lease_is_told_before_another_may_take_it(
    database: Database, tmp_path: Path
) -> None:
    number = add_job(database)
    held = claimed(database, lease_seconds=1.0)
    other = sqlite3.connect(tmp_path / "index.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with jobs.hold(database, held, 1.0) as interrupted:
        assert interrupted.wait(20)
        # Longer than this no writer waits: it is still locked.
        other.close()
    assert jobs.end_interrupted(database, held) is JobState.QUEUED
    assert job_of(database, number).failures == {"lost-lease": 1}


def test_results_that_nobody_is_to_get_are_delivered_at_once(database: Database) -> None:
    number = add_job(database)
    held = claimed(database)
    jobs.begin_verification(database, held, ANALYSED)
    jobs.begin_delivery(database, held, ANALYSED, [])
    assert job_of(database, number).state is JobState.DELIVERED


def test_leases_of_dead_owners_are_released_at_once(database: Database) -> None:
    first, second = add_job(database, "a"), add_job(database, "b")
    claimed(database)
    jobs.begin_verification(database, claimed(database), ANALYSED)
    assert jobs.release_leases(database) == 2
    assert {claimed(database).job_id, claimed(database).job_id} == {first, second}


def test_stopping_node_gives_its_job_back_without_counting_the_attempt(database: Database) -> None:
    add_job(database)
    jobs.give_back(database, claimed(database))
    assert claimed(database).attempt == 1


def test_study_says_what_the_latest_job_of_each_app_came_to(database: Database) -> None:
    add_job(database, "a")
    jobs.fail(database, claimed(database), FailureKind.CRASHED, "killed", maximum_attempts=1)
    add_job(database, "b")
    held = claimed(database)
    jobs.begin_verification(database, held, ANALYSED)
    jobs.begin_delivery(database, held, ANALYSED, DELIVERIES)
    assert outcome_of(database) == "tiny: 3 lesions; not yet delivered"


def test_job_of_an_app_that_is_not_configured_says_so_and_runs_when_it_is_again(database: Database) -> None:
    number = add_job(database)
    with database.write() as session:
        jobs.record_unconfigured(session, {"another"})
    assert outcome_of(database) == (
        "tiny: not analysed yet: the app is not configured: the job waits until apps.tiny is there again"
    )
    assert events_of(database, number) == ["no-app"]
    held = claimed(database)
    assert (held.job_id, job_of(database, number).reason, outcome_of(database)) == (number, "", "tiny: running")
