"""Instances that come by C-GET: into the spool and the index, as those that are sent to the node."""

from __future__ import annotations

from pynetdicom.events import Event

from deploy.node.database import Database
from deploy.node.disk import Space
from deploy.node.events import log_failure
from deploy.node.file_meta import FileMeta
from deploy.node.header import InstanceHeader, UnreadableHeaderError, read_header
from deploy.node.index import index_instance
from deploy.node.query.archive import Archive
from deploy.node.spool import Spool

SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700
DATA_SET_MISMATCH = 0xA900
CANNOT_UNDERSTAND = 0xC000
"""Statuses of a C-STORE response (PS3.4 table B.2-1)."""


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
        if self._is_there(header):
            return SUCCESS
        if not self._space.has_room(len(data_set)):
            return self._failed(OUT_OF_RESOURCES, "the disk is nearly full (disk.reserve_gib)")
        meta = FileMeta(
            sop_class_uid=header.sop_class_uid,
            sop_instance_uid=header.sop_instance_uid,
            transfer_syntax_uid=syntax,
            calling_ae_title=self._archive.config.ae_title,
            called_ae_title=self._archive.calling_ae_title,
        )
        try:
            stored = self._spool.store(data_set, header, meta)
            with self._database.write(rebuildable=True) as session:
                index_instance(session, stored)
        # The archive has to get its answer; the retrieve goes on with the next instance and tells of this one.
        except Exception as error:
            log_failure("store-failed", f"an instance from {self._archive.name} could not be stored")
            return self._failed(OUT_OF_RESOURCES, f"{type(error).__name__}: {error}")
        self.stored += 1
        return SUCCESS

    def _is_there(self, header: InstanceHeader) -> bool:
        study = self._spool.folder / header.study_instance_uid
        return next(study.glob(f"*/{header.sop_instance_uid}.dcm"), None) is not None

    def _failed(self, status: int, problem: str) -> int:
        self.problem = problem
        return status
