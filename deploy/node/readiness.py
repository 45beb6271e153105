"""Readiness: when everything that an app needs of a study has arrived."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from deploy.node.config import ReadinessConfig
from deploy.node.database import Database
from deploy.node.database import Study as StudyRow
from deploy.node.events import log_failure, record
from deploy.node.index import instance_files
from deploy.node.spool import Spool
from operators.manifest import Manifest
from operators.read.geometry.slice_geometry import missing_slices
from operators.read.selection import is_accepted, is_own_result, select_series
from operators.read.study import Study, read_study
from operators.refused import Refused

FIRST_RETRY_SECONDS = 10.0
LONGEST_RETRY_SECONDS = 900.0
"""How long a study is left alone after a decision over it failed: at first, and at most."""


@dataclass(frozen=True)
class ReadyStudy:
    """A study over which is to be decided now.

    ``study`` holds all that was received, without results of this product; None when only such results are there, or
    when it cannot be read, ``refused`` says why. ``last_received`` is the time of the newest image looked at, ``why``
    the reason to go on, in one sentence.
    """

    study_instance_uid: str
    last_received: datetime
    study: Study | None
    refused: Refused | None
    why: str


def _now() -> datetime:
    return datetime.now(timezone.utc)


class Readiness:
    """Looks at the studies over which nothing was decided yet.

    A study is ready when no association that brought images of it is open, ``quiet_seconds`` have passed since its
    last image, and no series that an app would take lacks a slice between its others. For missing slices, and for an
    association that goes on with other studies, it waits ``maximum_wait_seconds`` since the last image; then it goes on
    all the same, and the app refuses what lacks slices. Both times begin anew when the node starts, so that a sender
    that was cut off can send the rest.
    """

    def __init__(
        self,
        database: Database,
        spool: Spool,
        manifests: Mapping[str, Manifest],
        config: ReadinessConfig,
        is_receiving: Callable[[str], bool],
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._database = database
        self._spool = spool
        self._manifests = manifests
        self._config = config
        self._is_receiving = is_receiving
        self._clock = clock
        # While the node was away nothing could arrive: that silence was not the sender's.
        self._listening_since = clock()
        # Studies that wait for slices, and at which image that was found: their headers need not be read again.
        self._waiting: dict[str, datetime] = {}
        # Studies over which a decision failed: how often, and when to try again.
        self._failed: dict[str, tuple[int, datetime]] = {}

    def ready_studies(self) -> tuple[ReadyStudy, ...]:
        """Return the studies that are ready now; each is returned again until it is decided over."""
        now = self._clock()
        with self._database.read() as session:
            rows = session.execute(
                select(StudyRow.study_instance_uid, StudyRow.last_received).where(StudyRow.decided.is_(None))
            ).all()
        undecided = {row.study_instance_uid for row in rows}
        self._waiting = {uid: seen for uid, seen in self._waiting.items() if uid in undecided}
        self._failed = {uid: failed for uid, failed in self._failed.items() if uid in undecided}
        found = (self._look_safely(row.study_instance_uid, row.last_received, now) for row in rows)
        return tuple(ready for ready in found if ready is not None)

    def failed(self, uid: str, error: Exception) -> None:
        """Record that it could not be decided over a study, and leave it alone for a while: twice as long each time."""
        count = self._failed.get(uid, (0, self._clock()))[0] + 1
        pause = min(FIRST_RETRY_SECONDS * 2 ** (count - 1), LONGEST_RETRY_SECONDS)
        self._failed[uid] = (count, self._clock() + timedelta(seconds=pause))
        text = f"not analysed yet: {type(error).__name__}: {error}; tried {count} times, again in {pause:g} s"
        log_failure("decision-failed", text, study=uid)
        try:
            with self._database.write() as session:
                study = session.get_one(StudyRow, uid)
                # A study that has results keeps the outcome that tells of them.
                if not study.jobs:
                    study.outcome = text
                record(session, "decision-failed", text, study=uid)
        # With a full disk the decision failed for the same reason, and is tried again.
        except DBAPIError:
            log_failure("decision-failed", "the failure could not be recorded", study=uid)

    def _look_safely(self, uid: str, last_received: datetime, now: datetime) -> ReadyStudy | None:
        if uid in self._failed and now < self._failed[uid][1]:
            return None
        try:
            return self._look(uid, last_received, now)
        # One study must not stop the others, whatever is wrong with it or with us.
        except Exception as error:
            self.failed(uid, error)
            return None

    def _look(self, uid: str, last_received: datetime, now: datetime) -> ReadyStudy | None:
        quiet = (now - max(last_received, self._listening_since)).total_seconds()
        if quiet < self._config.quiet_seconds:
            return None
        waited_enough = quiet >= max(self._config.maximum_wait_seconds, self._config.quiet_seconds)
        # A router may keep one association for all that it sends: its end cannot be waited for.
        receiving = self._is_receiving(uid)
        if (receiving or self._waiting.get(uid) == last_received) and not waited_enough:
            return None
        association = "though its association is still open" if receiving else "and no association open"
        ready = ReadyStudy(uid, last_received, None, None, f"no image for {quiet:.1f} s {association}")
        try:
            study = self._read(uid)
        except Refused as refused:
            return replace(ready, refused=refused)
        if study is None:
            return ready
        lacking = missing_in_study(study, self._manifests)
        ready = replace(ready, study=study)
        if not lacking:
            return ready
        if waited_enough:
            return replace(ready, why=f"{lacking}, but no image for {quiet:.1f} s")
        self._wait(uid, last_received, lacking)
        return None

    def _read(self, uid: str) -> Study | None:
        with self._database.read() as session:
            files = instance_files(session, uid)
        study = read_study([self._spool.folder / path for path in files.values()])
        foreign = tuple(series for series in study.series if not is_own_result(series.header))
        return replace(study, series=foreign) if foreign else None

    def _wait(self, uid: str, last_received: datetime, lacking: str) -> None:
        self._waiting[uid] = last_received
        with self._database.write() as session:
            record(
                session,
                "waiting",
                f"{lacking}: waiting for more images, at most {self._config.maximum_wait_seconds:g} s after the last",
                study=uid,
            )


def missing_in_study(study: Study, manifests: Mapping[str, Manifest]) -> str:
    """Return what the series that apps would take lack by their geometry, in one sentence; empty if nothing."""
    lacking: dict[str, str] = {}
    for manifest in manifests.values():
        if not is_accepted(study, manifest):
            continue
        for series in select_series(study, manifest).series.values():
            count = missing_slices(series)
            if count:
                lacking[series.series_instance_uid] = (
                    f"series {series.description} lacks {count} {'slice' if count == 1 else 'slices'}"
                )
    return ", ".join(lacking.values())
