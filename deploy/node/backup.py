"""Backup of a node at work, and what makes a data folder of one again.

First the database is copied (SQLite's online backup: one moment of it), then the spool, then the outbox. As nothing is
deleted meanwhile (:func:`nothing_deleted`), every file that the copied database knows is in the backup; what came
later is indexed when the restored node starts, like after a crash.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from deploy.node.database import FILE_NAME
from deploy.node.database.upgrade import copy_database
from deploy.node.durable import synchronize_file, synchronize_folder
from deploy.node.lock import lock_data_folder

COMPLETE = "backup.json"
"""Written last: a backup without it is not whole."""

_LOCK = "backup.lock"
_SPOOL, _OUTBOX = "spool", "outbox"


class BackupError(RuntimeError):
    """There is no backup to be made or restored like this."""


@dataclass(frozen=True)
class Copied:
    """What a backup holds: when it was made (ISO 8601, UTC), images, files of results, bytes."""

    made: str
    images: int
    results: int
    bytes: int


@contextmanager
def nothing_deleted(data_folder: Path, *, wait: bool = True) -> Iterator[bool]:
    """Keep others that delete or back up away; yields whether that is so, which with ``wait`` it always is.

    The lock is the kernel's: a killed holder has none.
    """
    with (data_folder / _LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            held = True
        except BlockingIOError:
            held = False
        yield held


def back_up(data_folder: Path, target: Path) -> Copied:
    """Copy the data folder of a node, which may be at work, into an empty or new folder; durable when this returns.

    Raises :class:`BackupError`, :class:`OSError` or :class:`sqlite3.Error`; what is there then has no ``backup.json``.
    """
    if not (data_folder / FILE_NAME).is_file():
        raise BackupError(f"there is no node's index in {data_folder}")
    if target.resolve().is_relative_to(data_folder.resolve()):
        raise BackupError(f"{target} lies in the data folder itself")
    _make_empty(target)
    with nothing_deleted(data_folder):
        made = datetime.now(timezone.utc).isoformat(timespec="seconds")
        copy_database(data_folder / FILE_NAME, target / FILE_NAME)
        images, image_bytes = _copy(data_folder / _SPOOL, target / _SPOOL, _is_image)
        results, result_bytes = _copy(data_folder / _OUTBOX, target / _OUTBOX, _is_result)
    copied = Copied(made, images, results, image_bytes + result_bytes + (target / FILE_NAME).stat().st_size)
    part = target / f"{COMPLETE}.part"
    part.write_text(json.dumps(asdict(copied)))
    synchronize_file(part)
    part.rename(target / COMPLETE)
    synchronize_folder(target)
    return copied


def restore(source: Path, data_folder: Path) -> Copied:
    """Make a data folder of a backup; the folder must be new or empty. The node can be started then.

    Raises :class:`BackupError`, :class:`deploy.node.lock.DataFolderInUseError` or :class:`OSError`.
    """
    if not (source / COMPLETE).is_file():
        raise BackupError(f"{source} holds no whole backup: there is no {COMPLETE}")
    copied = Copied(**json.loads((source / COMPLETE).read_text()))
    _make_empty(data_folder)
    with lock_data_folder(data_folder):
        _copy(source / _SPOOL, data_folder / _SPOOL, _is_image)
        _copy(source / _OUTBOX, data_folder / _OUTBOX, _is_result)
        part = data_folder / f"{FILE_NAME}.part"
        shutil.copyfile(source / FILE_NAME, part)
        with closing(sqlite3.connect(part)) as database:
            # How full another disk was says nothing of this one.
            if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'disk_samples'").fetchone():
                database.execute("DELETE FROM disk_samples")
                database.commit()
        synchronize_file(part)
        # Last: a data folder that a kill has left half-restored has no index, and restoring it again says so.
        part.rename(data_folder / FILE_NAME)
        synchronize_folder(data_folder)
    return copied


def _make_empty(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise BackupError(f"{folder} is not empty")


def _is_image(path: Path) -> bool:
    """Whether a path relative to the spool is one of its instances, not what is half-received or torn."""
    return len(path.parts) == 3 and path.parts[0][0].isdigit() and path.suffix == ".dcm"


def _is_result(path: Path) -> bool:
    """Whether a path relative to the outbox is of a job."""
    return len(path.parts) == 2 and path.parts[0].isdecimal()


def _copy(source: Path, target: Path, wanted: Callable[[Path], bool]) -> tuple[int, int]:
    """Copy the wanted files, durably; return how many, and their bytes."""
    count = size = 0
    target.mkdir(mode=0o700, exist_ok=True)
    for folder, folders, names in os.walk(source):
        folders.sort()
        below = Path(folder).relative_to(source)
        copied = False
        for name in sorted(names):
            if not wanted(below / name):
                continue
            (target / below).mkdir(parents=True, exist_ok=True)
            try:
                # With its times: when an image came is read from there, should the index be made anew.
                shutil.copy2(Path(folder) / name, target / below / name)
            # The results of a job that is run again take the place of those before.
            except FileNotFoundError:
                continue
            synchronize_file(target / below / name)
            copied = True
            count += 1
            size += (target / below / name).stat().st_size
        if copied:
            synchronize_folder(target / below)
    for folder, _, _ in os.walk(target):
        synchronize_folder(Path(folder))
    return count, size
