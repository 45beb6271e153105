"""Which job is next: STAT first, nobody for ever last, whatever comes in which order."""

from __future__ import annotations

import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.node import jobs
from deploy.node.database import Database, Job, JobState, PausedApp, Study
from deploy.node.failure import FailureKind
from deploy.node.jobs import STAT_IN_A_ROW
from tests.deploy.node.new_database import new_database

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


def add_job(database: Database, *, stat: bool = False, app: str = "tiny") -> int:
    with database.write() as session:
        if session.get(Study, "1.2.3") is None:
            session.add(Study(study_instance_uid="1.2.3", first_received=NOW, last_received=NOW))
            session.flush()
        job = Job(
            study_instance_uid="1.2.3",
            app=app,
            app_version="1.0.0",
            input_digest=f"{datetime.now(timezone.utc).isoformat()}",
            sop_instance_uids=["1.2.3.4"],
            state=JobState.QUEUED,
            started=datetime.now(timezone.utc),
            stat=stat,
        )
        session.add(job)
        session.flush()
        return job.id


def begin(database: Database) -> int | None:
    claim = jobs.claim(database, "tiny", owner="one", lease_seconds=60.0)
    return None if claim is None else claim.job_id


def test_stat_goes_first(database: Database) -> None:
    others = [add_job(database) for _ in range(3)]
    stat = add_job(database, stat=True)
    assert [begin(database) for _ in range(4)] == [stat, *others]


def test_after_some_stat_jobs_the_one_that_is_due_longest_has_its_turn(database: Database) -> None:
    others = [add_job(database) for _ in range(2)]
    stats = [add_job(database, stat=True) for _ in range(2 * STAT_IN_A_ROW + 1)]
    begun = [begin(database) for _ in range(len(stats) + 2)]
    first, second = stats[:STAT_IN_A_ROW], stats[STAT_IN_A_ROW : 2 * STAT_IN_A_ROW]
    assert begun == [*first, others[0], *second, others[1], stats[-1]]


# True: a STAT job comes, False: another one, None: a worker is free.
@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from([True, True, False, None, None]), max_size=40))
def test_nobody_waits_for_ever_and_stat_waits_for_at_most_one_other(arrivals: list[bool | None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = new_database(Path(folder))
        stat: dict[int, bool] = {}
        waiting: list[int] = []
        # For each job what was begun since it came, as whether it was STAT, and how many waited before it.
        passed: dict[int, list[bool]] = {}
        before: dict[int, int] = {}
        for arrival in [*arrivals, *[None] * len(arrivals)]:
            if arrival is not None:
                number = add_job(database, stat=arrival)
                stat[number], passed[number] = arrival, []
                before[number] = sum(stat[other] == arrival for other in waiting)
                waiting.append(number)
                continue
            begun = begin(database)
            assert (begun is None) is (not waiting)
            if begun is None:
                continue
            waiting.remove(begun)
            for other in waiting:
                passed[other].append(stat[begun])
            others = passed[begun].count(False)
            if stat[begun]:
                assert passed[begun].count(True) == before[begun]
                # One at once, and one more after each STAT_IN_A_ROW that went before it.
                assert others <= 1 + before[begun] // STAT_IN_A_ROW
            else:
                assert others == before[begun]
                assert passed[begun].count(True) <= STAT_IN_A_ROW * (before[begun] + 1)
        assert waiting == []
        database.close()


def test_job_that_fails_goes_behind_those_that_wait(database: Database) -> None:
    poison, first, second = (add_job(database) for _ in range(3))
    for number in (first, second):
        claim = jobs.claim(database, "tiny", owner="one", lease_seconds=60.0)
        assert claim is not None
        assert claim.job_id == poison
        jobs.fail(database, claim, FailureKind.CRASHED, "killed by SIGSEGV", maximum_attempts=9)
        assert begin(database) == number
        with database.write() as session:
            session.get_one(Job, poison).not_before = datetime.now(timezone.utc) - timedelta(seconds=1)


def test_job_that_falls_due_later_is_begun_later(database: Database) -> None:
    early, late = add_job(database), add_job(database)
    with database.write() as session:
        session.get_one(Job, early).not_before = datetime.now(timezone.utc)
    assert [begin(database), begin(database)] == [late, early]


def test_what_is_paused_has_no_turn_and_holds_up_nobody(database: Database) -> None:
    paused, other = add_job(database), add_job(database)
    jobs.pause(database, paused, asked_by="somebody")
    assert [begin(database), begin(database)] == [other, None]
    jobs.resume(database, paused, asked_by="somebody")
    with database.write() as session:
        session.add(PausedApp(app="tiny", since=NOW))
    assert begin(database) is None
    assert jobs.resume_app(database, "tiny", asked_by="somebody")
    assert begin(database) == paused
