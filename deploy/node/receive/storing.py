"""C-STORE (PS3.4 annex B): from the fragments of one message to an instance that is safe in the spool."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Callable

from deploy.node.disk import Space
from deploy.node.file_meta import FileMeta
from deploy.node.header import InstanceHeader, UnreadableHeaderError, is_uid
from deploy.node.receive.commands import Command
from deploy.node.receive.negotiation import Context
from deploy.node.receive.reports import Trouble
from deploy.node.receive.statuses import (
    CANNOT_UNDERSTAND,
    DATA_SET_MISMATCH,
    OUT_OF_RESOURCES,
    PROCESSING_FAILURE,
)
from deploy.node.spool import IncomingFile, Spool, StoredInstance

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class RefusedError(Exception):
    """An instance must not be accepted: the status to answer, and why."""

    def __init__(self, status: int, reason: str, header: InstanceHeader | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.header = header


class StoreTransfer:
    """One instance that is being received.

    Once something is wrong with it the rest is passed over: a C-STORE is answered after its last fragment.
    """

    def __init__(
        self,
        spool: Spool,
        command: Command,
        context: Context,
        titles: tuple[str, str],
        *,
        maximum_bytes: int,
        space: Space,
        tell: Callable[[Trouble], None],
        study_instance_uid: str | None = None,
    ) -> None:
        """``titles`` are the calling and the called AE title; it must be of ``study_instance_uid``."""
        self._study_instance_uid = study_instance_uid
        self._spool = spool
        self._command = command
        self._maximum_bytes = maximum_bytes
        self._space = space
        self._tell = tell
        self._refusal: RefusedError | None = None
        self._incoming: IncomingFile | None = None
        meta = FileMeta(
            sop_class_uid=str(command.get("AffectedSOPClassUID", "")),
            sop_instance_uid=str(command.get("AffectedSOPInstanceUID", "")),
            transfer_syntax_uid=context.transfer_syntax,
            calling_ae_title=titles[0],
            called_ae_title=titles[1],
        )
        if context.abstract_syntax != meta.sop_class_uid:
            self._refuse(RefusedError(DATA_SET_MISMATCH, "SOP Class UID differs from the presentation context's"))
        elif not is_uid(meta.sop_instance_uid):
            reason = f"SOP Instance UID of the request is not a UID: {meta.sop_instance_uid[:40]!r}"
            self._refuse(RefusedError(CANNOT_UNDERSTAND, reason))
        else:
            try:
                self._incoming = spool.begin(meta)
            except (OSError, ValueError) as error:
                self._refuse(self._failed(error))

    def write(self, fragment: memoryview) -> None:
        """Take the next fragment of the data set; valid only during the call."""
        if self._incoming is None:
            return
        if self._incoming.size + len(fragment) > self._maximum_bytes:
            reason = f"more than {self._maximum_bytes} bytes (receive.maximum_instance_bytes)"
            self._refuse(RefusedError(OUT_OF_RESOURCES, reason))
            return
        try:
            if not self._space.has_room(len(fragment)):
                self._refuse(RefusedError(OUT_OF_RESOURCES, "the disk is nearly full (disk.reserve_gib)"))
                return
            self._incoming.write(fragment)
        except OSError as error:
            self._refuse(self._failed(error))

    def finish(self) -> StoredInstance:
        """Return when the instance is safe. Raises :class:`RefusedError`; nothing of it is left then."""
        if self._refusal is not None:
            raise self._refusal
        assert self._incoming is not None
        header = None
        try:
            header = self._header(self._incoming)
            return self._spool.keep(self._incoming, header)
        except RefusedError:
            raise
        # Whatever went wrong is ours: the peer is told so and keeps its copy.
        except Exception as error:
            raise self._failed(error, header) from error
        finally:
            self.discard()

    def discard(self) -> None:
        """Leave nothing behind of what has not been kept."""
        if self._incoming is not None:
            self._incoming.discard()

    def _header(self, incoming: IncomingFile) -> InstanceHeader:
        try:
            header = incoming.header()
        except UnreadableHeaderError as error:
            raise RefusedError(CANNOT_UNDERSTAND, str(error)) from error
        for name, asked, found in (
            ("SOP Class UID", incoming.meta.sop_class_uid, header.sop_class_uid),
            ("SOP Instance UID", incoming.meta.sop_instance_uid, header.sop_instance_uid),
            ("Study Instance UID", self._study_instance_uid, header.study_instance_uid),
        ):
            if asked not in (None, found):
                raise RefusedError(DATA_SET_MISMATCH, f"{name} differs from that of the request", header)
        return header

    def _refuse(self, refusal: RefusedError) -> None:
        self._refusal = refusal
        # What has come so far only takes room.
        self.discard()
        self._incoming = None

    def _failed(self, error: Exception, header: InstanceHeader | None = None) -> RefusedError:
        self._tell(Trouble("store-failed", "an instance could not be stored", _traceback(error)))
        if isinstance(error, OSError):
            status = OUT_OF_RESOURCES if error.errno in _DISK_FULL else PROCESSING_FAILURE
            return RefusedError(status, error.strerror or str(error), header)
        return RefusedError(PROCESSING_FAILURE, f"{type(error).__name__}: {error}", header)


def _traceback(error: Exception) -> str:
    return "".join(traceback.format_exception(error))
