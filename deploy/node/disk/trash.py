"""Deleting in two steps, so that a kill at any point leaves either all of a study or nothing of it.

Within the transaction that takes the rows away the folders are moved to ``deleted/``, where neither the receivers nor
the index look. What is there at the next start is put back where its rows are still there (the transaction was not
committed), and else deleted. The study's folder stays locked meanwhile: nothing can arrive in it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from sqlalchemy import select

from deploy.node.database import Database, Instance, Job, Study
from deploy.node.durable import synchronize_folder
from deploy.node.events import log
from deploy.node.file_meta import NotDicomFileError
from deploy.node.header import UnreadableHeaderError
from deploy.node.spool import Spool, TornFileError
from deploy.node.spool.instance import CONFLICT_MARK

FOLDER_NAME = "deleted"
"""Below the spool and below the outbox: a move must not leave its file system."""


def move_to_trash(root: Path, folders: Iterable[Path]) -> None:
    """Move folders below ``root`` into its trash, under the same relative path; durable when this returns."""
    _move(folders, lambda folder: root / FOLDER_NAME / folder.relative_to(root))


def take_back(root: Path, folders: Iterable[Path]) -> None:
    """Undo :func:`move_to_trash` for those that were moved."""
    trashed = (root / FOLDER_NAME / folder.relative_to(root) for folder in folders)
    _move(
        (folder for folder in trashed if folder.exists()), lambda folder: root / folder.relative_to(root / FOLDER_NAME)
    )


def _move(folders: Iterable[Path], target_of: Callable[[Path], Path]) -> None:
    parents = set()
    for folder in folders:
        target = target_of(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        # Left by a deletion that was committed and could not be finished.
        if target.exists():
            shutil.rmtree(target)
        folder.rename(target)
        parents |= {folder.parent, target.parent, target.parent.parent}
    for parent in parents:
        synchronize_folder(parent)


def empty_trash(root: Path, name: str) -> None:
    """Delete one folder in the trash of ``root``, if it is there."""
    shutil.rmtree(root / FOLDER_NAME / name, ignore_errors=True)


def settle_trash(database: Database, spool: Spool, outbox: Path) -> None:
    """Finish, or take back, what a kill has interrupted; to be called before receiving starts."""
    trash = spool.folder / FOLDER_NAME
    for study in _entries(trash):
        with database.read() as session:
            rows = session.scalars(select(Instance).where(Instance.study_instance_uid == study.name))
            digests = {row.path: row.sha256 for row in rows}
        for file in list(study.rglob("*.dcm")):
            path = file.relative_to(trash).as_posix()
            if path in digests:
                _put_back(spool, file, path, digests[path])
        _delete(study)
    for job in _entries(outbox / FOLDER_NAME):
        if _is_of_kept_study(database, job.name) and not (outbox / job.name).exists():
            job.rename(outbox / job.name)
            synchronize_folder(outbox)
        else:
            _delete(job)


def _put_back(spool: Spool, file: Path, path: str, digest: str) -> None:
    target = spool.folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    # A receiver that outlived the node for a moment may have stored something under that name.
    if target.exists():
        try:
            came = spool.read(path).sha256
        except (TornFileError, NotDicomFileError, UnreadableHeaderError):
            spool.set_aside(path)
        else:
            if came == digest:
                return
            target.rename(target.with_name(f"{target.stem}{CONFLICT_MARK}{came[:16]}.dcm"))
    file.rename(target)
    for folder in (target.parent, target.parent.parent, spool.folder):
        synchronize_folder(folder)


def _is_of_kept_study(database: Database, job: str) -> bool:
    with database.read() as session:
        query = select(Study.deleted).join(Job).where(Job.id == (int(job) if job.isdecimal() else -1))
        found = session.execute(query).one_or_none()
    return found is not None and found.deleted is None


def _delete(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except OSError as error:
        log("not-deleted", f"{folder} cannot be deleted: {error}")


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
