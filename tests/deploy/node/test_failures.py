"""Which failures are tried again, how often and when, and what is told of a study or an app that fails on and on."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import select

from deploy.node import jobs
from deploy.node.database import Database, Event, Job, JobState, Study
from deploy.node.failure import FailureKind
from deploy.node.jobs import FAILED_IN_A_ROW, RETRIES, Claim
from operators.outcome import Outcome

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
ANALYSED = Outcome(app="tiny", version="1", input_digest="d", status="analysed", summary="3 lesions")


def add_job(database: Database, study: str) -> int:
    with database.write() as session:
        if session.get(Study, study) is None:
            session.add(Study(study_instance_uid=study, first_received=NOW, last_received=NOW))
            session.flush()
        job = Job(
            study_instance_uid=study,
            app="tiny",
            app_version="1.0.0",
            input_digest=f"digest {datetime.now(timezone.utc).isoformat()}",
            sop_instance_uids=["1.2.3.4"],
            state=JobState.QUEUED,
            started=NOW,
        )
        session.add(job)
        session.flush()
        return job.id


def claim(database: Database) -> Claim:
    with database.write() as session:
        for job in session.scalars(select(Job).where(Job.not_before.is_not(None))):
            job.not_before = NOW
    found = jobs.claim(database, "tiny", owner="one", lease_seconds=60.0)
    assert found is not None
    return found


def fail(database: Database, kind: FailureKind, maximum_attempts: int = 1) -> Job:
    claimed = claim(database)
    jobs.fail(database, claimed, kind, "the detail", maximum_attempts=maximum_attempts)
    with database.read() as session:
        return session.get_one(Job, claimed.job_id)


def events(database: Database, kind: str) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(Event.text).where(Event.kind == kind).order_by(Event.id)))


@pytest.mark.parametrize("kind", list(RETRIES))
def test_waits_grow_up_to_the_longest(kind: FailureKind) -> None:
    retry = RETRIES[kind]
    waits = [retry.delay(failures) for failures in range(1, 10_000)]
    assert waits[0] == retry.first_seconds
    assert waits == sorted(waits)
    assert waits[-1] == retry.longest_seconds


def test_failures_of_different_kinds_count_together_and_wait_apart(database: Database) -> None:
    add_job(database, "1.2.3")
    for kind, seconds in ((FailureKind.CRASHED, 10), (FailureKind.TIMED_OUT, 60), (FailureKind.CRASHED, 20)):
        before = datetime.now(timezone.utc)
        job = fail(database, kind, maximum_attempts=4)
        assert job.not_before is not None
        assert before <= job.not_before - timedelta(seconds=seconds) <= datetime.now(timezone.utc)
    job = fail(database, FailureKind.RAISED, maximum_attempts=4)
    assert (job.state, job.failures) == (JobState.FAILED, {"crashed": 2, "timed-out": 1, "raised": 1})


def test_full_disk_is_waited_for_and_does_not_count(database: Database) -> None:
    add_job(database, "1.2.3")
    for _ in range(30):
        assert fail(database, FailureKind.DISK_FULL).state is JobState.QUEUED
    assert fail(database, FailureKind.CRASHED).state is JobState.FAILED


def test_study_that_ends_the_process_each_time_is_told(database: Database) -> None:
    number = add_job(database, "1.2.3")
    fail(database, FailureKind.CRASHED, maximum_attempts=2)
    assert events(database, "poison-study") == []
    fail(database, FailureKind.OUT_OF_MEMORY, maximum_attempts=2)
    (text,) = events(database, "poison-study")
    assert text.startswith("tiny ended 2 times over this study")
    jobs.retry(database, number, asked_by="somebody")
    fail(database, FailureKind.VERIFICATION)
    assert len(events(database, "poison-study")) == 1


def test_app_that_fails_one_study_after_another_is_told_once_for_every_so_many(database: Database) -> None:
    for number in range(2 * FAILED_IN_A_ROW):
        add_job(database, f"1.2.{number}")
        fail(database, FailureKind.RAISED)
        assert len(events(database, "app-failing")) == (number + 1) // FAILED_IN_A_ROW
    text = events(database, "app-failing")[0]
    assert text.startswith(f"tiny has failed on {FAILED_IN_A_ROW} studies one after another")
    assert "gantry apps pause tiny" in text


def test_one_study_that_fails_again_and_again_is_no_failing_app(database: Database) -> None:
    number = add_job(database, "1.2.3")
    for _ in range(FAILED_IN_A_ROW + 1):
        fail(database, FailureKind.RAISED)
        jobs.retry(database, number, asked_by="somebody")
    assert events(database, "app-failing") == []


def test_success_begins_the_count_anew(database: Database) -> None:
    for number in range(FAILED_IN_A_ROW - 1):
        add_job(database, f"1.2.{number}")
        fail(database, FailureKind.RAISED)
    add_job(database, "1.3")
    held = claim(database)
    jobs.begin_verification(database, held, ANALYSED)
    jobs.begin_delivery(database, held, ANALYSED, [])
    add_job(database, "1.4")
    fail(database, FailureKind.RAISED)
    assert events(database, "app-failing") == []
