from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import DatabaseError

from apps.run import app_manifest
from deploy.node.database import FILE_NAME, open_database
from deploy.node.lock import DataFolderInUseError, lock_data_folder
from deploy.node.recover import DamagedIndexError, check_after_crash, recover
from deploy.node.route import RoutedApp
from tests.deploy.node.node import Examination, Node

APP = "mr_white_matter_lesions"


def node_in(folder: Path) -> Node:
    manifest = app_manifest(APP)
    return Node(folder, {APP: RoutedApp(manifest, manifest.settings)})


@pytest.mark.parametrize("damage", ["lost", "overwritten", "asked for"])
def test_a_new_index_leads_to_the_same_jobs(tmp_path: Path, examination: Examination, damage: str) -> None:
    node = node_in(tmp_path)
    node.receive(examination.flair)
    node.wait(5)
    node.decide()
    (before,) = node.jobs()
    node.database.close()
    if damage == "lost":
        (tmp_path / FILE_NAME).unlink()
    elif damage == "overwritten":
        (tmp_path / FILE_NAME).write_bytes(b"not a database " * 1000)

    done = recover(tmp_path, rebuild=damage == "asked for")
    assert done.indexed == len(examination.flair)
    assert (done.replaced is not None) == (damage != "lost")
    assert done.replaced is None or done.replaced.exists()

    again = node_in(tmp_path)
    again.wait(5)
    assert len(again.decide()) == 1
    (after,) = again.jobs()
    assert after.input_digest == before.input_digest
    assert set(after.sop_instance_uids) == set(before.sop_instance_uids)


def test_a_sound_index_is_kept(tmp_path: Path, examination: Examination) -> None:
    node = node_in(tmp_path)
    node.receive(examination.flair[:3])
    node.database.close()
    done = recover(tmp_path)
    assert (done.indexed, done.replaced) == (0, None)


def test_a_locked_index_is_not_taken_for_a_damaged_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node_in(tmp_path).database.close()
    monkeypatch.setattr("deploy.node.database.BUSY_TIMEOUT_SECONDS", 0.01)
    other = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseError, match="database is locked"):
        recover(tmp_path)
    other.close()
    assert [path.name for path in tmp_path.glob(f"{FILE_NAME}.replaced*")] == []


def test_a_running_node_is_left_alone(tmp_path: Path) -> None:
    with lock_data_folder(tmp_path), pytest.raises(DataFolderInUseError):
        recover(tmp_path)


def test_index_that_is_damaged_inside_is_found(tmp_path: Path) -> None:
    database = node_in(tmp_path).database
    check_after_crash(database)
    database.close()
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'instances'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    content = bytearray((tmp_path / FILE_NAME).read_bytes())
    content[(page - 1) * size : page * size] = b"\xff" * size
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(DamagedIndexError, match="gantry recover"):
        check_after_crash(open_database(tmp_path, upgrade=False))
