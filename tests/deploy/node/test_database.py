from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from deploy.node.database import Base, Database, Event, Job, JobState, Study, open_database
from deploy.node.events import record

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=timezone.utc)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return open_database(tmp_path)


def test_the_migrations_make_the_tables_that_the_code_declares(database: Database) -> None:
    with database.read() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_opening_again_keeps_what_is_there(tmp_path: Path) -> None:
    first = open_database(tmp_path)
    with first.write() as session:
        session.add(Study(study_instance_uid="1.2", first_received=NOW, last_received=NOW))
    first.close()
    with open_database(tmp_path).read() as session:
        assert session.get_one(Study, "1.2").last_received == NOW


def test_a_commit_waits_for_the_disk_unless_it_can_be_rebuilt(database: Database) -> None:
    for rebuildable, synchronous in ((False, 2), (True, 1), (False, 2)):
        with database.write(rebuildable=rebuildable) as session:
            assert session.scalar(text("PRAGMA synchronous")) == synchronous
    with database.read() as session:
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"


def test_an_exception_takes_everything_back(database: Database) -> None:
    def fail() -> None:
        with database.write() as session:
            session.add(Study(study_instance_uid="1.2", first_received=NOW, last_received=NOW))
            record(session, "test", "never happened")
            session.flush()
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - raised three lines above
        fail()
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Study)) == 0
        assert session.scalar(select(func.count()).select_from(Event)) == 0


def test_foreign_keys_are_checked(database: Database) -> None:
    job = Job(
        study_instance_uid="1.2",
        app="a",
        app_version="1.0.0",
        input_digest="d",
        sop_instance_uids=[],
        state=JobState.QUEUED,
        started=NOW,
    )
    with pytest.raises(IntegrityError), database.write() as session:
        session.add(job)


def test_times_keep_their_zone_and_others_are_refused(database: Database) -> None:
    local = datetime(2026, 1, 5, 11, 0, tzinfo=timezone(timedelta(hours=2)))
    with database.write() as session:
        session.add(Study(study_instance_uid="1.2", first_received=local, last_received=NOW))
    with database.read() as session:
        study = session.get_one(Study, "1.2")
        assert study.first_received == local == study.last_received
        assert study.first_received.utcoffset() == timedelta(0)
    with pytest.raises(Exception, match="without a timezone"), database.write() as session:
        session.add(Study(study_instance_uid="1.3", first_received=datetime(2026, 1, 5), last_received=NOW))


def test_writers_in_several_threads_lose_no_update(database: Database) -> None:
    """Each reads and then writes: without a lock from the beginning some would overwrite others, or fail."""
    with database.write() as session:
        session.add(Study(study_instance_uid="1.2", outcome="0", first_received=NOW, last_received=NOW))

    def count() -> None:
        for _ in range(10):
            with database.write() as session:
                study = session.get_one(Study, "1.2")
                study.outcome = str(int(study.outcome) + 1)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        assert session.get_one(Study, "1.2").outcome == "40"


def test_a_reader_is_not_in_the_way_of_a_writer(database: Database) -> None:
    with database.read() as reader:
        assert reader.scalar(select(func.count()).select_from(Event)) == 0
        with database.write() as writer:
            record(writer, "test", "written meanwhile")
        assert reader.scalar(select(func.count()).select_from(Event)) == 0
    with database.read() as reader:
        assert reader.scalar(select(func.count()).select_from(Event)) == 1


def test_an_event_is_a_row_and_after_the_commit_a_line(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    with database.write() as session:
        record(session, "test", "something happened", study="1.2", job=3, count=7)
        assert capsys.readouterr().err == ""
    line = capsys.readouterr().err
    assert all(part in line for part in ('"something happened"', '"test"', '"1.2"', "7"))
    with database.read() as session:
        event = session.scalars(select(Event)).one()
        assert (event.kind, event.text, event.study_instance_uid) == ("test", "something happened", "1.2")
        assert (event.job_id, event.data) == (3, {"count": 7})
