"""Rebuild the index from the spool, as after a damaged or lost database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from deploy.node.database import FILE_NAME, is_passing, open_database
from deploy.node.index import reconcile
from deploy.node.lock import lock_data_folder
from deploy.node.spool import Spool


@dataclass(frozen=True)
class Recovery:
    """What was done: how many instances were indexed, and where a database that was replaced is kept."""

    indexed: int
    replaced: Path | None


def recover(data_folder: Path, *, rebuild: bool = False) -> Recovery:
    """Bring the database in line with the spool; one that is damaged, or any if ``rebuild``, is replaced by a new one.

    A new database knows no jobs: every study is decided over again, and its results get the UIDs they had, as these
    follow from the input.

    Raises :class:`deploy.node.lock.DataFolderInUseError` while a node is running, :class:`DatabaseError` where the
    database cannot be judged now.
    """
    with lock_data_folder(data_folder):
        spool = Spool(data_folder)
        spool.open()
        replaced = _move_aside(data_folder) if rebuild or not _is_sound(data_folder) else None
        database = open_database(data_folder)
        try:
            return Recovery(reconcile(database, spool), replaced)
        finally:
            database.close()


def _is_sound(data_folder: Path) -> bool:
    try:
        database = open_database(data_folder)
        try:
            with database.read() as session:
                return session.scalar(text("PRAGMA integrity_check")) == "ok"
        finally:
            database.close()
    except DatabaseError as error:
        # A locked database or a full disk is no damage: putting the index aside would lose the jobs for nothing.
        if is_passing(error):
            raise
        return False


def _move_aside(data_folder: Path) -> Path | None:
    """Rename the database and its write-ahead log; nothing is deleted."""
    mark = f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S%f}"
    for suffix in ("-wal", "-shm", ""):
        path = data_folder / f"{FILE_NAME}{suffix}"
        if path.exists():
            path.rename(data_folder / f"{FILE_NAME}.replaced-{mark}{suffix}")
    replaced = data_folder / f"{FILE_NAME}.replaced-{mark}"
    return replaced if replaced.exists() else None
