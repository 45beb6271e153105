"""Instances that come by C-GET: into the spool and the index, as those that are sent to the node."""

from __future__ import annotations

from pynetdicom.events import Event
from sqlalchemy import select

from deploy.node.database import Database, Instance
from deploy.node.disk import Space
from deploy.node.events import log_failure
from deploy.node.file_meta import FileMeta
from deploy.node.header import InstanceHeader, UnreadableHeaderError, read_header
from deploy.node.index import index_instance
from deploy.node.query.archive import Archive
from deploy.node.receive.statuses import CANNOT_UNDERSTAND, DATA_SET_MISMATCH, OUT_OF_RESOURCES, SUCCESS
from deploy.node.spool import Spool, StoredInstance


class Intake:
    """Answers the C-STORE sub-operations of one retrieve.

    ``stored`` is how many instances were new, ``problem`` why one could not be stored, if so.
    """

    def __init__(self, archive: Archive, spool: Spool, database: Database, space: Space) -> None:
        self.stored = 0
        self.problem = ""
        self._archive = archive
        self._spool = spool
        self._database = database
        self._space = space

    def store(self, event: Event) -> int:
        """Store one instance; Success is returned when it is safe in the spool."""
        data_set: bytes = event.encoded_dataset(include_meta=False)
        syntax = str(event.context.transfer_syntax)
        try:
            header = read_header(data_set, syntax)
        except UnreadableHeaderError as error:
            return self._failed(CANNOT_UNDERSTAND, str(error))
        request = event.request
        if (request.AffectedSOPClassUID, request.AffectedSOPInstanceUID) != (
            header.sop_class_uid,
            header.sop_instance_uid,
        ):
            return self._failed(DATA_SET_MISMATCH, f"{request.AffectedSOPInstanceUID} differs from its data set")
        meta = FileMeta(
            sop_class_uid=header.sop_class_uid,
            sop_instance_uid=header.sop_instance_uid,
            transfer_syntax_uid=syntax,
            calling_ae_title=self._archive.config.ae_title,
            called_ae_title=self._archive.calling_ae_title,
        )
        try:
            return self._take(data_set, header, meta)
        # The archive has to get its answer; the retrieve goes on with the next instance and tells of this one.
        except Exception as error:
            log_failure("store-failed", f"an instance from {self._archive.name} could not be stored")
            return self._failed(OUT_OF_RESOURCES, f"{type(error).__name__}: {error}")

    def _take(self, data_set: bytes, header: InstanceHeader, meta: FileMeta) -> int:
        study = self._spool.folder / header.study_instance_uid
        there = next(study.glob(f"*/{header.sop_instance_uid}.dcm"), None)
        if there is not None:
            self._take_up(str(there.relative_to(self._spool.folder)))
            return SUCCESS
        if not self._space.has_room(len(data_set)):
            return self._failed(OUT_OF_RESOURCES, "the disk is nearly full (disk.reserve_gib)")
        self._index(self._spool.store(data_set, header, meta))
        self.stored += 1
        return SUCCESS

    def _take_up(self, path: str) -> None:
        """Index what is in the spool only: whoever stored it may have been killed before it told the index."""
        with self._database.read() as session:
            known = session.scalar(select(Instance.id).where(Instance.path == path))
        if known is None:
            stored = self._spool.read(path)
            self._spool.make_durable(path)
            self._index(stored)

    def _index(self, stored: StoredInstance) -> None:
        with self._database.write(rebuildable=True) as session:
            index_instance(session, stored)

    def _failed(self, status: int, problem: str) -> int:
        self.problem = problem
        return status
