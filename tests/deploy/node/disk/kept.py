"""A node's spool, outbox and database with studies in any state, made without a network."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from sqlalchemy import select

from deploy.node.config import DiskConfig
from deploy.node.database import Database, Delivery, Instance, Job, JobState, Study, open_database
from deploy.node.disk.retention import Retention
from deploy.node.disk.trash import settle_trash
from deploy.node.file_meta import FileMeta
from deploy.node.header import read_header
from deploy.node.index import index_instance, reconcile
from deploy.node.spool import Spool

MR = "1.2.840.10008.5.1.4.1.1.4"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"


class Kept:
    """A data folder; ages are in days."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.open()

    def open(self) -> None:
        """As a node does at its start."""
        self.database: Database = open_database(self.folder)
        self.spool = Spool(self.folder)
        self.spool.open()
        self.outbox = self.folder / "outbox"
        settle_trash(self.database, self.spool, self.outbox)

    def add_study(self, number: int, *, age: float = 0.0, decided: bool = True, images: int = 2) -> str:
        """A study with images in the spool that came so long ago."""
        uid = f"1.2.{number}"
        for image in range(images):
            self.store(number, image)
        with self.database.write() as session:
            study = session.get_one(Study, uid)
            study.last_received = study.first_received = ago(age)
            study.decided = ago(age) if decided else None
        return uid

    def store(self, number: int, image: int, *, content: str = "pixels", index: bool = True) -> str:
        """Receive an image; return its path in the spool."""
        dataset = Dataset()
        dataset.SOPClassUID = MR
        dataset.SOPInstanceUID = f"1.2.{number}.1.{image}"
        dataset.StudyInstanceUID = f"1.2.{number}"
        dataset.SeriesInstanceUID = f"1.2.{number}.1"
        dataset.ImageComments = content
        buffer = DicomBytesIO()
        buffer.is_little_endian, buffer.is_implicit_VR = True, False
        write_dataset(buffer, dataset)
        header = read_header(buffer.getvalue(), EXPLICIT_LITTLE)
        meta = FileMeta(MR, header.sop_instance_uid, EXPLICIT_LITTLE, "SCANNER", "GANTRY")
        stored = self.spool.store(buffer.getvalue(), header, meta)
        if index:
            with self.database.write() as session:
                index_instance(session, stored)
        return stored.path

    def add_job(
        self, uid: str, state: JobState, *, age: float = 0.0, reason: str = "", deliveries: Sequence[Delivery] = ()
    ) -> int:
        """A job that ended so long ago, with a result file."""
        with self.database.write() as session:
            count = len(list(session.scalars(select(Job.id))))
            job = Job(
                study_instance_uid=uid,
                app="app",
                app_version="1.0.0",
                input_digest=f"digest {count}",
                sop_instance_uids=[],
                state=state,
                reason=reason,
                started=ago(age),
                finished=ago(age) if state.is_final else None,
                deliveries=list(deliveries),
            )
            session.add(job)
            session.flush()
            number = job.id
        result = self.outbox / str(number) / "result.dcm"
        result.parent.mkdir(parents=True)
        result.write_bytes(b"result")
        return number

    def retention(self, *, delivered: float | None = 1.0, other: float | None = 1.0, receiving: str = "") -> Retention:
        config = DiskConfig(keep_delivered_days=delivered, keep_other_days=other)
        return Retention(self.database, self.spool, self.folder, config, receiving.__eq__)

    def images(self, uid: str) -> list[str]:
        """The files of a study."""
        return sorted(path.name for path in (self.spool.folder / uid).glob("*/*"))

    def results(self) -> set[int]:
        """The jobs that have files in the outbox."""
        return {int(path.name) for path in self.outbox.glob("[0-9]*")}

    def rows(self, uid: str) -> int:
        """How many images of a study are indexed."""
        with self.database.read() as session:
            return len(list(session.scalars(select(Instance.id).where(Instance.study_instance_uid == uid))))

    def deleted(self, uid: str) -> bool:
        with self.database.read() as session:
            return session.get_one(Study, uid).deleted is not None

    def restart(self) -> int:
        """What a node does when it starts; returns how many images had to be indexed."""
        self.database.close()
        self.open()
        return reconcile(self.database, self.spool)


def ago(days: float) -> datetime:
    return datetime.now(timezone.utc) - timedelta(days=days)


def delivery(name: str, *, delivered: bool = True, asked: bool = False, committed: bool = False) -> Delivery:
    """One result on its way."""
    return Delivery(
        destination="pacs",
        sop_instance_uid=name,
        sop_class_uid=MR,
        path=name,
        not_before=ago(1),
        delivered=ago(1) if delivered else None,
        commitment_asked=ago(1) if asked else None,
        committed=ago(1) if committed else None,
    )
