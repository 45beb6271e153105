"""A data folder that a node of the first version left when it was killed: this version takes it up.

``version_1.tar.xz`` holds it, and :mod:`tests.deploy.node.upgrade.make` says how it was made.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from deploy.node.database import FILE_NAME, Delivery, JobState, NewerDatabaseError, Study, open_database
from operators.provenance import result_uid
from tests.deploy.node.archive import Archive
from tests.deploy.node.running_node import RunningNode

PACKED = Path(__file__).parent / "version_1.tar.xz"
OUTPUTS = ("lesions", "report")


def unpack(folder: Path) -> None:
    shutil.unpack_archive(PACKED, folder)


def test_every_study_of_the_old_node_comes_to_its_end_once(tmp_path: Path) -> None:
    with Archive() as archive:
        node = RunningNode(tmp_path, archive)
        unpack(node.data)
        with closing(sqlite3.connect(f"file:{node.data / FILE_NAME}?mode=ro", uri=True)) as old:
            before = [row[0] for row in old.execute("SELECT state FROM jobs ORDER BY id")]
            sent_before = {row[0] for row in old.execute("SELECT sop_instance_uid FROM deliveries WHERE delivered")}
        assert before == ["delivered", "refused", "failed", "delivering", "running", "queued"]
        with node:
            node.wait_for(lambda: decided(node) == 7 and all(job.state.is_final for job in node.jobs()))
            jobs = [job for job in node.jobs() if job.reason not in ("outdated", "superseded")]
            # What was delivered, refused and had failed is left alone; the others are analysed and delivered.
            assert [job.state for job in jobs] == [
                JobState.DELIVERED,
                JobState.REFUSED,
                JobState.FAILED,
                *[JobState.DELIVERED] * 4,
            ]
            assert len({job.study_instance_uid for job in jobs}) == 7
            expected = {result_uid(job.input_digest, f"{output}/instance") for job in jobs[3:] for output in OUTPUTS}
            assert sorted(archive.sop_instance_uids) == sorted(expected)
            assert not expected & sent_before
            assert node.stop() == 0
        # The old database is kept as it was, its write-ahead log included.
        (kept,) = node.data.glob(f"{FILE_NAME}.before-*")
        with closing(sqlite3.connect(kept)) as copy:
            assert [row[0] for row in copy.execute("SELECT state FROM jobs ORDER BY id")] == before
            assert copy.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]


def decided(node: RunningNode) -> int:
    database = node.database()
    with database.read() as session:
        count = len(session.scalars(select(Study).where(Study.decided.is_not(None))).all())
    database.close()
    return count


def test_rows_are_as_they_were(tmp_path: Path) -> None:
    unpack(tmp_path)
    tables = ("studies", "instances", "jobs", "deliveries", "events")
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as old:
        old.row_factory = sqlite3.Row
        before = {table: [dict(row) for row in old.execute(f"SELECT * FROM {table}")] for table in tables}
    database = open_database(tmp_path)
    with database.read() as session:
        assert session.scalars(select(Delivery.committed)).all() == [None] * len(before["deliveries"])
    database.close()
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as new:
        new.row_factory = sqlite3.Row
        for table, rows in before.items():
            after = [dict(row) for row in new.execute(f"SELECT * FROM {table}")]
            assert [{key: row[key] for key in old_row} for row, old_row in pairs(after, rows)] == rows
        assert new.execute("PRAGMA foreign_key_check").fetchall() == []


def pairs(
    after: Sequence[dict[str, object]], before: Sequence[dict[str, object]]
) -> list[tuple[dict[str, object], dict[str, object]]]:
    return list(zip(after, before, strict=True))


def test_database_of_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    open_database(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(NewerDatabaseError, match=r"revision 9999.*newer version"):
        open_database(tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == before
    assert [path.name for path in tmp_path.glob("*.before-*")] == []
