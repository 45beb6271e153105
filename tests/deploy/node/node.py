"""Spool and database as a node has them, filled from files without a network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from pydicom.filereader import read_file_meta_info
from sqlalchemy import select

from deploy.node.config import ReadinessConfig
from deploy.node.database import Database, Event, Job, Study, open_database
from deploy.node.file_meta import FileMeta
from deploy.node.header import read_header
from deploy.node.index import index_instance
from deploy.node.readiness import ArchiveServices, Readiness
from deploy.node.route import RoutedApp, decide
from deploy.node.spool import Spool, StoredInstance
from operators.read.study import read_study
from phantoms.mr_brain import BrainMRStudy


@dataclass
class Node:
    """A node's spool and database, with a clock that stands still until a test moves it."""

    folder: Path
    apps: dict[str, RoutedApp]
    config: ReadinessConfig = field(default_factory=lambda: ReadinessConfig(quiet_seconds=5, maximum_wait_seconds=120))
    receiving: set[str] = field(default_factory=set)
    archives: ArchiveServices | None = None
    listens: bool = True
    now: datetime = field(default_factory=lambda: datetime.now(timezone.utc))

    def __post_init__(self) -> None:
        self.database: Database = open_database(self.folder)
        self.spool = Spool(self.folder)
        self.spool.open()
        self.readiness = Readiness(
            self.database,
            self.spool,
            self.apps,
            self.config,
            self.receiving.__contains__,
            self.archives,
            clock=lambda: self.now,
            is_listening=lambda: self.listens,
        )

    def receive(self, files: Iterable[Path], *, sender: str = "SCANNER") -> list[StoredInstance]:
        """Store and index files as the receiver does."""
        received = []
        for path in files:
            meta = read_file_meta_info(path)
            syntax = str(meta.TransferSyntaxUID)
            data_set = path.read_bytes()[144 + meta.FileMetaInformationGroupLength :]
            header = read_header(data_set, syntax)
            stored = self.spool.store(
                data_set, header, FileMeta(header.sop_class_uid, header.sop_instance_uid, syntax, sender, "GANTRY")
            )
            received.append(replace(stored, received=self.now))
        with self.database.write(rebuildable=True) as session:
            for stored in received:
                index_instance(session, stored)
        return received

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def decide(self) -> tuple[int, ...]:
        """What the node does again and again: look for ready studies and route them. Returns the new jobs."""
        return decide(self.database, self.readiness, self.apps)

    def jobs(self) -> list[Job]:
        with self.database.read() as session:
            return list(session.scalars(select(Job).order_by(Job.id)))

    def study(self) -> Study:
        with self.database.read() as session:
            return session.scalars(select(Study)).one()

    def events(self, kind: str) -> list[Event]:
        with self.database.read() as session:
            return list(session.scalars(select(Event).where(Event.kind == kind).order_by(Event.id)))


@dataclass(frozen=True)
class Examination:
    """A simulated FLAIR and T1 with few slices: every fourth of the T1, which makes it a coarser T1."""

    study: BrainMRStudy

    @property
    def uid(self) -> str:
        return str(self.study.study_uid)

    @property
    def patient_id(self) -> str:
        return self.study.study.patient.patient_id

    @property
    def flair(self) -> tuple[Path, ...]:
        return self.study.series["FLAIR"].paths

    @property
    def t1(self) -> tuple[Path, ...]:
        return self.study.series["T1"].paths[::4]

    @property
    def paths(self) -> tuple[Path, ...]:
        return (*self.flair, *self.t1)


def uids_of(files: Iterable[Path]) -> set[str]:
    """The SOP Instance UIDs of files."""
    return {str(instance.sop_instance_uid) for instance in read_study(files).instances}
