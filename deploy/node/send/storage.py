"""Storage SCU: instances to a peer over one association after another (C-STORE, PS3.4 annex B)."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.dsutils import encode
from pynetdicom.status import STORAGE_SERVICE_CLASS_STATUS

from deploy.node.send.association import MAXIMUM_CONTEXTS, Association, EventHandler
from deploy.node.send.commitment import STORAGE_COMMITMENT, request_commitment
from deploy.node.send.connection import Connection
from deploy.node.send.files import InstanceFile, SentInstance, identify, unreadable, within
from deploy.node.send.peer import DestinationError, NothingAcceptedError, Peer

VERIFICATION = "1.2.840.10008.1.1"

# Every application entity accepts the first, which makes the two interchangeable for uncompressed data (PS3.5 10.1).
_INTERCHANGEABLE = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)

_COMMITMENT = [(STORAGE_COMMITMENT, str(syntax)) for syntax in _INTERCHANGEABLE]

_C_STORE_RQ, _C_ECHO_RQ = 0x0001, 0x0030
_MEDIUM = 0x0000


class StorageSender:
    """Sends to one peer, over an association that stays open between calls until :meth:`close`.

    With ``on_event``, which takes the peer's reports, storage commitment is negotiated on every association.
    """

    def __init__(self, peer: Peer, *, on_event: EventHandler | None = None) -> None:
        self.peer = peer
        self._on_event = on_event
        self._commitment = _COMMITMENT if on_event is not None else []
        self._association: Association | None = None
        self._connection: Connection | None = None
        self._stopped = False

    @property
    def is_open(self) -> bool:
        """Whether an association is open."""
        return self._association is not None

    def send(self, paths: Sequence[Path]) -> Iterator[SentInstance]:
        """Send files in their order and yield what became of each as soon as the peer has answered.

        A file goes as it is; between Explicit and Implicit VR Little Endian it is converted where the peer accepts
        only the other. A file that cannot be read and an instance that the peer refuses do not stop the others.

        Raises :class:`DestinationError` when nothing (more) can be sent.
        """
        files: list[InstanceFile] = []
        for path in paths:
            found = identify(path)
            if isinstance(found, InstanceFile):
                files.append(found)
            else:
                yield found
        # Each kind may need its interchangeable one, too, and storage commitment both.
        for group in within(files, MAXIMUM_CONTEXTS // 2 - 1):
            # All kinds of a group are offered at once: what of it is refused need not be offered again for each file.
            refused: frozenset[tuple[str, str]] = frozenset()
            for file in group:
                if refused.issuperset(_proposals([file])):
                    yield file.not_accepted()
                    continue
                try:
                    yield self._store(file, group)
                except NothingAcceptedError as error:
                    refused = error.proposed
                    yield file.not_accepted()

    def commit(self, transaction_uid: str, references: Sequence[tuple[str, str]]) -> int:
        """Ask the peer to commit itself to instances (SOP Class UID, SOP Instance UID); return its answer's status.

        Raises :class:`DestinationError`.
        """
        association = self._open(_COMMITMENT)
        try:
            return request_commitment(association, transaction_uid, references)
        except BaseException:
            self._association = None
            raise

    def echo(self) -> int:
        """Ask whether the peer is there (C-ECHO, PS3.4 annex A) and return its answer's status.

        Raises :class:`DestinationError`.
        """
        association = self._open([(VERIFICATION, str(ImplicitVRLittleEndian))])
        command = Dataset()
        command.AffectedSOPClassUID = VERIFICATION
        command.CommandField = _C_ECHO_RQ
        response = self._request(association, next(iter(association.accepted.values())), command)
        return int(response.get("Status", 0x0110))

    def listen(self, seconds: float) -> bool:
        """Wait at most so long for a report of the peer, if an association is open; return whether one came."""
        if self._association is None:
            return False
        try:
            return self._association.listen(seconds)
        except DestinationError:
            # Nothing was under way: that the peer has closed it is its right.
            self._association = None
            return False
        except BaseException:
            self._association = None
            raise

    def close(self) -> None:
        """Release the association, if one is open."""
        association, self._association = self._association, None
        if association is not None:
            association.release()

    def hang_up(self) -> None:
        """Make a call that is under way in another thread give up, and refuse further ones."""
        self._stopped = True
        if (connection := self._connection) is not None:
            connection.hang_up()

    def _open(self, wanted: Sequence[tuple[str, str]]) -> Association:
        """Return the open association if it was negotiated for all of this, else a new one."""
        if self._association is not None and not self._association.proposed.issuperset(wanted):
            self.close()
        # An idle one may have been closed by the peer meanwhile.
        if self._association is not None:
            self.listen(0)
        if self._association is None:
            self._connection = Connection(self.peer)
            # From here on another thread can end it.
            if self._stopped:
                self._connection.hang_up()
            self._association = Association(self._connection, self.peer, wanted, on_event=self._on_event)
        return self._association

    def _store(self, file: InstanceFile, group: Sequence[InstanceFile]) -> SentInstance:
        association = self._open(self._contexts(file, group))
        offered = _accepted(association, file)
        if offered is None:
            return file.not_accepted()
        context_id, syntax = offered
        try:
            data, length = _data_set(file, syntax)
        # A damaged file can make the parser raise nearly anything, and a damaged data set the encoder.
        except Exception as error:
            return unreadable(file.path, error)
        command = Dataset()
        command.AffectedSOPClassUID = file.sop_class_uid
        command.CommandField = _C_STORE_RQ
        command.Priority = _MEDIUM
        command.AffectedSOPInstanceUID = file.sop_instance_uid
        with data:
            try:
                response = self._request(association, context_id, command, data, length)
            except DestinationError as error:
                raise DestinationError(str(error), file.path) from error
        if "Status" not in response:
            return file.answered(None, "the peer answered without a status")
        return file.answered(int(response.Status), _meaning(response))

    def _contexts(self, file: InstanceFile, group: Sequence[InstanceFile]) -> list[tuple[str, str]]:
        """What to propose: an association that is open already needs to do for this file only."""
        own = _proposals([file])
        if self._association is not None and self._association.proposed.issuperset(own):
            return own
        return _proposals(group) + self._commitment

    def _request(
        self, association: Association, context_id: int, command: Dataset, data: BinaryIO | None = None, length: int = 0
    ) -> Dataset:
        try:
            return association.request(context_id, command, data, length)
        except BaseException:
            self._association = None
            raise


def _proposals(files: Sequence[InstanceFile]) -> list[tuple[str, str]]:
    wanted: dict[tuple[str, str], None] = {}
    for file in files:
        abstract, transfer = map(str, file.context)
        syntaxes = map(str, _INTERCHANGEABLE) if transfer in _INTERCHANGEABLE else (transfer,)
        wanted |= {(abstract, syntax): None for syntax in syntaxes}
    return list(wanted)


def _accepted(association: Association, file: InstanceFile) -> tuple[int, str] | None:
    """The presentation context and transfer syntax for a file: its own before the one that it can be converted to."""
    abstract, transfer = map(str, file.context)
    others = map(str, _INTERCHANGEABLE) if transfer in _INTERCHANGEABLE else ()
    for syntax in (transfer, *others):
        if (number := association.accepted.get((abstract, syntax))) is not None:
            return number, syntax
    return None


def _data_set(file: InstanceFile, transfer_syntax_uid: str) -> tuple[BinaryIO, int]:
    """Open a file's data set in a transfer syntax; return also its length in bytes."""
    if transfer_syntax_uid == file.transfer_syntax_uid:
        stream = file.path.open("rb")
        stream.seek(file.offset)
        return stream, file.size - file.offset
    content = encode(dcmread(file.path), transfer_syntax_uid == ImplicitVRLittleEndian, True)
    if content is None:
        raise ValueError(f"the data set cannot be encoded in {transfer_syntax_uid}")
    return io.BytesIO(content), len(content)


def _meaning(response: Dataset) -> str:
    _, known = STORAGE_SERVICE_CLASS_STATUS.get(response.Status, ("", "unknown status"))
    comment = str(response.get("ErrorComment") or "")
    return ": ".join(part for part in (known, comment) if part)
