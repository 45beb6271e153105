"""Rebuild the index from the spool, as after a damaged or lost database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from sqlalchemy.exc import DatabaseError

from deploy.node.database import FILE_NAME, is_passing, open_database
from deploy.node.disk.trash import settle_trash
from deploy.node.index import reconcile
from deploy.node.lock import lock_data_folder
from deploy.node.outbox import FOLDER_NAME as OUTBOX
from deploy.node.recover.results import take_over_results
from deploy.node.recover.soundness import is_sound
from deploy.node.spool import Spool


@dataclass(frozen=True)
class Recovery:
    """What was done: how many instances were indexed, of how many jobs the results were taken over, and where a
    database that was replaced is kept.
    """

    indexed: int
    taken_over: int
    replaced: Path | None


def recover(data_folder: Path, *, rebuild: bool = False) -> Recovery:
    """Bring the database in line with the spool; one that is damaged, or any if ``rebuild``, is replaced by a new one.

    A new database knows no jobs but those whose results are in the outbox: they are delivered again, the same to the
    byte. Every other study is decided over again; its results get the UIDs they had, as these follow from the input.

    Raises :class:`deploy.node.lock.DataFolderInUseError` while a node is running, :class:`DatabaseError` where the
    database cannot be judged now.
    """
    with lock_data_folder(data_folder):
        spool = Spool(data_folder)
        spool.open()
        replaced = _move_aside(data_folder) if rebuild or not _is_sound(data_folder) else None
        database = open_database(data_folder)
        try:
            settle_trash(database, spool, data_folder / OUTBOX)
            indexed = reconcile(database, spool)
            return Recovery(indexed, take_over_results(database, data_folder / OUTBOX), replaced)
        finally:
            database.close()


def _is_sound(data_folder: Path) -> bool:
    try:
        database = open_database(data_folder)
    except DatabaseError as error:
        if is_passing(error):
            raise
        return False
    try:
        return is_sound(database)
    finally:
        database.close()


def _move_aside(data_folder: Path) -> Path | None:
    """Rename the database and its write-ahead log; nothing is deleted."""
    mark = f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S%f}"
    for suffix in ("-wal", "-shm", ""):
        path = data_folder / f"{FILE_NAME}{suffix}"
        if path.exists():
            path.rename(data_folder / f"{FILE_NAME}.replaced-{mark}{suffix}")
    replaced = data_folder / f"{FILE_NAME}.replaced-{mark}"
    return replaced if replaced.exists() else None
