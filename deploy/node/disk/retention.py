"""Retention: deletes the images and result files of studies that nobody needs any more.

What was received and what became of it stays in the index: study, jobs, deliveries and events are rows for ever, and
``Study.deleted`` says since when the images are gone.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from deploy.node.backup import nothing_deleted
from deploy.node.bell import persevere
from deploy.node.config import DiskConfig
from deploy.node.database import Database, Instance, Job, Study
from deploy.node.disk.protection import Standing, standings
from deploy.node.disk.trash import empty_trash, move_to_trash, take_back
from deploy.node.events import log, log_failure, record
from deploy.node.outbox import FOLDER_NAME as OUTBOX
from deploy.node.spool import Spool

_LOOK_SECONDS = 60.0
_TORN = "torn"


@dataclass(frozen=True)
class Deleted:
    """What one study's deletion gave back."""

    study_instance_uid: str
    instances: int
    bytes: int


class Retention:
    """Deletes by age and state. Every decision is taken anew under the study's lock, within the transaction."""

    def __init__(
        self,
        database: Database,
        spool: Spool,
        data_folder: Path,
        config: DiskConfig,
        is_receiving: Callable[[str], bool],
    ) -> None:
        self._database = database
        self._spool = spool
        self._data_folder = data_folder
        self._outbox = data_folder / OUTBOX
        self._config = config
        self._is_receiving = is_receiving

    def run(self, stop: threading.Event) -> None:
        """Look every minute until ``stop`` is set."""
        while not stop.wait(_LOOK_SECONDS):
            persevere(stop, lambda: self.clean(stop) > 0)

    def clean(self, stop: threading.Event | None = None) -> int:
        """Delete what may go now; return how many studies that were."""
        if self._config.keep_other_days is not None:
            _delete_torn(self._spool.folder / _TORN, timedelta(days=self._config.keep_other_days))
        count = 0
        for standing in self.due():
            # A backup, which takes long, has the first right.
            with nothing_deleted(self._data_folder, wait=False) as free:
                if not free or (stop is not None and stop.is_set()):
                    break
                count += self._delete_safely(standing.study_instance_uid)
        return count

    def _delete_safely(self, uid: str) -> bool:
        try:
            return self.delete(uid) is not None
        # What cannot be deleted must not stop the others, nor the node.
        except OSError:
            log_failure("not-deleted", "a study could not be deleted", study=uid)
            return False

    def due(self) -> tuple[Standing, ...]:
        """Return the studies that may go now, the one that rests longest first; nothing is deleted."""
        if self._config.keep_delivered_days is None and self._config.keep_other_days is None:
            return ()
        now = datetime.now(timezone.utc)
        with self._database.read() as session:
            return tuple(standing for standing in standings(session) if standing.may_go(self._config, now))

    def delete(self, study_instance_uid: str, *, asked_by: str = "") -> Deleted | None:
        """Delete a study's images and results, unless it is needed; return None where it is.

        With ``asked_by``, a person who has seen it, its age does not matter, nor that copies of it conflict.
        """
        with self._spool.lock_study(study_instance_uid):
            try:
                return self._delete_locked(study_instance_uid, asked_by)
            finally:
                # Not empty where the study is kept.
                with suppress(OSError):
                    (self._spool.folder / study_instance_uid).rmdir()

    def _delete_locked(self, uid: str, asked_by: str) -> Deleted | None:
        study = self._spool.folder / uid
        images = [folder for folder in study.iterdir() if folder.is_dir()]
        results: list[Path] = []
        try:
            with self._database.write() as session:
                if not self._may_go(session, uid, images, asked_by):
                    return None
                results += self._result_folders(session, uid)
                deleted = _take_rows_away(session, uid, asked_by)
                move_to_trash(self._spool.folder, images)
                move_to_trash(self._outbox, results)
        except BaseException:
            take_back(self._spool.folder, images)
            take_back(self._outbox, results)
            raise
        # From here on a kill changes nothing: the next start empties the trash.
        empty_trash(self._spool.folder, uid)
        for folder in results:
            empty_trash(self._outbox, folder.name)
        return deleted

    def _may_go(self, session: Session, uid: str, folders: list[Path], asked_by: str) -> bool:
        standing = next(standings(session, [uid]), None)
        if standing is None or self._is_receiving(uid):
            return False
        allowed = not standing.needed if asked_by else standing.may_go(self._config, datetime.now(timezone.utc))
        # What has just arrived is acknowledged, but may not be in the index yet.
        known = set(session.scalars(select(Instance.path).where(Instance.study_instance_uid == uid)))
        found = {file.relative_to(self._spool.folder).as_posix() for folder in folders for file in folder.iterdir()}
        return allowed and found <= known

    def _result_folders(self, session: Session, uid: str) -> Iterator[Path]:
        for job_id in session.scalars(select(Job.id).where(Job.study_instance_uid == uid)):
            if (folder := self._outbox / str(job_id)).is_dir():
                yield folder


def _take_rows_away(session: Session, uid: str, asked_by: str) -> Deleted:
    sizes = list(session.scalars(select(Instance.size).where(Instance.study_instance_uid == uid)))
    session.execute(delete(Instance).where(Instance.study_instance_uid == uid))
    session.get_one(Study, uid).deleted = datetime.now(timezone.utc)
    deleted = Deleted(uid, len(sizes), sum(sizes))
    record(
        session,
        "study-deleted",
        f"{deleted.instances} images ({deleted.bytes / 2**20:.1f} MiB) and the files of results are deleted: "
        f"{f'asked for by {asked_by}' if asked_by else 'kept as long as configured'}",
        study=uid,
        instances=deleted.instances,
        bytes=deleted.bytes,
    )
    session.flush()
    return deleted


def _delete_torn(folder: Path, keep: timedelta) -> None:
    """Delete what a loss of power left of instances that were never acknowledged."""
    oldest = (datetime.now(timezone.utc) - keep).timestamp()
    for study in sorted(folder.iterdir()) if folder.is_dir() else ():
        files = [file for file in study.rglob("*") if file.is_file()]
        if all(file.stat().st_mtime < oldest for file in files):
            shutil.rmtree(study)
            log("torn-deleted", f"{len(files)} files that were never acknowledged are deleted", study=study.name)
