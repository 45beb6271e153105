"""``gantry jobs`` and ``gantry apps`` where they change what the node does."""

from __future__ import annotations

import getpass
from datetime import datetime, timezone
from pathlib import Path

import pytest
from sqlalchemy import select

from deploy.node import jobs
from deploy.node.database import Database, Delivery, Event, Job, JobState, PausedApp, Study, open_database
from operators.outcome import Outcome
from tests.deploy.cli.conftest import Gantry

APP = "mr_white_matter_lesions"
MOMENT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=timezone.utc)
ANALYSED = Outcome(app=APP, version="1.0.0", input_digest="d", status="analysed", summary="3 lesions")


@pytest.fixture
def database(config: Path) -> Database:
    """The database of a node with one queued job."""
    opened = open_database(config.parent / "data")
    with opened.write() as session:
        session.add(Study(study_instance_uid="2.25.1", first_received=MOMENT, last_received=MOMENT))
        session.flush()
        session.add(
            Job(
                study_instance_uid="2.25.1",
                app=APP,
                app_version="1.0.0",
                input_digest="d",
                sop_instance_uids=["2.25.11"],
                state=JobState.QUEUED,
                started=MOMENT,
            )
        )
    return opened


def claim(database: Database) -> jobs.Claim | None:
    return jobs.claim(database, APP, owner="worker", lease_seconds=60.0)


def deliver(database: Database) -> None:
    held = claim(database)
    assert held is not None
    jobs.begin_verification(database, held, ANALYSED)
    jobs.begin_delivery(database, held, ANALYSED, [jobs.NewDelivery("pacs", "2.25.9", "1.2", "1/lesions.dcm")])
    with database.write() as session:
        session.scalars(select(Delivery)).one().delivered = MOMENT
        jobs.conclude_delivery(session, 1)


def asked_by(database: Database, kind: str) -> object:
    with database.read() as session:
        return session.scalars(select(Event).where(Event.kind == kind)).one().data["asked_by"]


def test_paused_job_is_not_begun_until_it_is_resumed(gantry: Gantry, config: Path, database: Database) -> None:
    assert gantry("jobs", "pause", 1, "--config", config).stdout == "job 1 is paused\n"
    assert claim(database) is None
    assert "queued (paused)" in gantry("jobs", "list", "--config", config).stdout
    assert "queued, paused" in gantry("jobs", "show", 1, "--config", config).stdout
    gantry("jobs", "resume", 1, "--config", config)
    assert claim(database) is not None
    assert asked_by(database, "job-paused") == asked_by(database, "job-resumed") == getpass.getuser()


def test_paused_app_begins_nothing_until_it_is_resumed(gantry: Gantry, config: Path, database: Database) -> None:
    assert gantry("apps", "pause", APP, "--config", config).stdout == f"{APP} is paused\n"
    assert "already" in gantry("apps", "pause", APP, "--config", config).stdout
    assert claim(database) is None
    with database.read() as session:
        assert session.get(PausedApp, APP) is not None
    assert gantry("apps", "resume", APP, "--config", config).stdout == f"{APP} begins jobs again\n"
    assert "was not paused" in gantry("apps", "resume", APP, "--config", config).stdout
    assert claim(database) is not None
    assert asked_by(database, "app-paused") == getpass.getuser()


def test_app_that_is_not_there_cannot_be_paused(gantry: Gantry, config: Path, database: Database) -> None:
    result = gantry("apps", "pause", "no_such_app", "--config", config)
    assert (result.exit_code, "there is no app 'no_such_app'" in result.stderr) == (1, True)


def test_queued_job_is_cancelled_at_once_and_can_be_tried_again(
    gantry: Gantry, config: Path, database: Database
) -> None:
    assert gantry("jobs", "cancel", 1, "--config", config).stdout == "job 1 is cancelled\n"
    assert claim(database) is None
    assert asked_by(database, "cancelled") == getpass.getuser()
    assert "it was cancelled" in gantry("studies", "show", "2.25.1", "--config", config).stdout
    assert "queued again" in gantry("jobs", "retry", 1, "--config", config).stdout
    assert claim(database) is not None


def test_running_job_is_asked_to_end(gantry: Gantry, config: Path, database: Database) -> None:
    claim(database)
    assert gantry("jobs", "cancel", 1, "--config", config).stdout == "the node is asked to end job 1\n"
    assert asked_by(database, "cancel-asked") == getpass.getuser()


def test_delivered_job_is_delivered_again_instead_of_run(gantry: Gantry, config: Path, database: Database) -> None:
    deliver(database)
    refused = gantry("jobs", "retry", 1, "--config", config)
    assert refused.exit_code == 1
    assert "the same input gives the same objects" in refused.stderr
    assert "gantry jobs redeliver 1" in refused.stderr
    result = config.parent / "data" / "outbox" / "1" / "lesions.dcm"
    result.parent.mkdir(parents=True)
    result.touch()
    assert "1 objects of job 1" in gantry("jobs", "redeliver", 1, "--config", config).stdout
    with database.read() as session:
        assert session.get_one(Job, 1).state is JobState.DELIVERING
        assert session.scalars(select(Delivery)).one().delivered is None


@pytest.mark.parametrize(
    ("command", "number", "state", "message"),
    [
        ("cancel", 2, JobState.QUEUED, "there is no job 2"),
        ("cancel", 1, JobState.DELIVERING, "its results are on their way"),
        ("cancel", 1, JobState.DELIVERED, "it is delivered already"),
        ("pause", 1, JobState.FAILED, "there is nothing to be paused"),
        ("retry", 1, JobState.RUNNING, "only a failed or cancelled job"),
        ("redeliver", 1, JobState.QUEUED, "has nothing to be delivered again"),
    ],
)
def test_what_cannot_be_done_is_said(
    gantry: Gantry, config: Path, database: Database, command: str, number: int, state: JobState, message: str
) -> None:
    with database.write() as session:
        session.get_one(Job, 1).state = state
    result = gantry("jobs", command, number, "--config", config)
    assert (result.exit_code, message in result.stderr) == (1, True)
