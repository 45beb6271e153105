"""Storage SCU: send instances to a peer over one association (C-STORE, PS3.4 annex B)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.status import STORAGE_SERVICE_CLASS_STATUS

from deploy.node.connection import acknowledge_at_once, send_at_once

SUCCESS = 0x0000

WARNINGS = (0xB000, 0xB006, 0xB007)
"""The peer has stored the instance, though not quite as it was sent (PS3.4 table B.2-1)."""

_MAXIMUM_CONTEXTS = 128
"""Presentation context identifiers are the odd numbers from 1 to 255 (PS3.8 table 9-18)."""

# Every application entity accepts the first, which makes the two interchangeable for uncompressed data (PS3.5 10.1).
_INTERCHANGEABLE = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)

CONNECTION_SECONDS = 10.0
NEGOTIATION_SECONDS = 30.0
ANSWER_SECONDS = 120.0
"""How long a peer may take to accept the connection, to negotiate the association, to answer a request."""


class DestinationError(ConnectionError):
    """The peer cannot be reached, refuses the association or has ended it: nothing more can be sent over this one.

    ``path`` is the file at which an association ended, None if there was none.
    """

    def __init__(self, message: str, path: Path | None = None) -> None:
        super().__init__(message)
        self.path = path


@dataclass(frozen=True)
class Peer:
    """Where to send: ``ae_title`` is the called, ``calling_ae_title`` the sender's own."""

    host: str
    port: int
    ae_title: str = "ANY-SCP"
    calling_ae_title: str = "GANTRY"

    def __str__(self) -> str:
        return f"{self.ae_title} at {self.host}:{self.port}"


@dataclass(frozen=True)
class SentInstance:
    """What became of one file. ``status`` is the peer's, None if the instance was not sent at all."""

    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    status: int | None
    meaning: str

    @property
    def delivered(self) -> bool:
        """Whether the peer says that it has stored the instance."""
        return self.status is not None and (self.status == SUCCESS or self.status in WARNINGS)

    def __str__(self) -> str:
        code = "not sent" if self.status is None else f"{self.status:04X}"
        return f"{code} {self.meaning}".strip()


def send_files(
    paths: Iterable[Path], peer: Peer, *, on_progress: Callable[[SentInstance], None] | None = None
) -> tuple[SentInstance, ...]:
    """Send DICOM files to a peer and return what became of each.

    A file goes as it is; between Explicit and Implicit VR Little Endian it is converted where the peer accepts only
    the other. ``on_progress`` is called after each file, as soon as the peer has answered. A file that cannot be read
    and an instance that the peer refuses do not stop the others.

    Raises :class:`DestinationError` when nothing (more) can be sent; what was answered until then was reported to
    ``on_progress``.
    """
    sent: list[SentInstance] = []

    def report(instance: SentInstance) -> None:
        sent.append(instance)
        if on_progress is not None:
            on_progress(instance)

    files: list[_File] = []
    for path in paths:
        read = _read_identity(path)
        if isinstance(read, _File):
            files.append(read)
        else:
            report(read)
    for batch in _batches(files):
        _send_batch(batch, peer, report)
    return tuple(sent)


@dataclass(frozen=True)
class _File:
    path: Path
    sop_class_uid: UID
    sop_instance_uid: UID
    transfer_syntax_uid: UID

    @property
    def context(self) -> tuple[UID, UID]:
        return self.sop_class_uid, self.transfer_syntax_uid

    def answered(self, status: int | None, meaning: str) -> SentInstance:
        return SentInstance(self.path, str(self.sop_class_uid), str(self.sop_instance_uid), status, meaning)


def _read_identity(path: Path) -> _File | SentInstance:
    try:
        meta = dcmread(path, specific_tags=[], stop_before_pixels=True).file_meta
        return _File(path, meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID)
    # A damaged file can make the parser raise nearly anything; whatever it is, the others are to be sent.
    except Exception as error:
        return SentInstance(path, "", "", None, f"cannot be read: {type(error).__name__}: {error}")


def _batches(files: list[_File]) -> Iterator[list[_File]]:
    """Split where one association could not hold the presentation contexts."""
    batch: list[_File] = []
    contexts: set[tuple[UID, UID]] = set()
    for file in files:
        # Each may need its interchangeable one, too.
        if len(contexts | {file.context}) * 2 > _MAXIMUM_CONTEXTS:
            yield batch
            batch, contexts = [], set()
        batch.append(file)
        contexts.add(file.context)
    if batch:
        yield batch


def _send_batch(files: list[_File], peer: Peer, report: Callable[[SentInstance], None]) -> None:
    association = _associate(files, peer)
    try:
        for file in files:
            report(_send(association, file, peer))
    finally:
        if association.is_established:
            association.release()


def _associate(files: list[_File], peer: Peer) -> Association:
    entity = AE(ae_title=peer.calling_ae_title)
    entity.connection_timeout = CONNECTION_SECONDS
    entity.acse_timeout = NEGOTIATION_SECONDS
    entity.dimse_timeout = ANSWER_SECONDS
    contexts = {file.context for file in files}
    for sop_class, syntax in sorted(contexts):
        entity.add_requested_context(sop_class, syntax)
        for other in _INTERCHANGEABLE:
            if syntax in _INTERCHANGEABLE and (sop_class, other) not in contexts:
                entity.add_requested_context(sop_class, other)
    handlers = [
        (evt.EVT_CONN_OPEN, lambda event: send_at_once(event.assoc)),
        # Sending switches them on again, and what follows is the peer's answer.
        (evt.EVT_PDU_SENT, lambda event: acknowledge_at_once(event.assoc)),
    ]
    try:
        association = entity.associate(peer.host, peer.port, ae_title=peer.ae_title, evt_handlers=handlers)
    # The name of the host is looked up before pynetdicom handles errors by itself.
    except OSError as error:
        raise DestinationError(f"{peer} cannot be reached: {error.strerror or error}") from error
    if association.is_established:
        return association
    if association.is_rejected:
        answer = association.acceptor.primitive
        raise DestinationError(f"{peer} rejected the association: {answer.reason_str}")
    if association.rejected_contexts:
        offered = sorted({UID(context.abstract_syntax).name for context in association.rejected_contexts})
        raise DestinationError(f"{peer} accepts none of {', '.join(offered)}")
    raise DestinationError(f"{peer} cannot be reached or aborted the association")


def _send(association: Association, file: _File, peer: Peer) -> SentInstance:
    if not association.is_established:
        raise DestinationError(f"{peer} ended the association", file.path)
    try:
        dataset = dcmread(file.path)
    # As above.
    except Exception as error:
        return file.answered(None, f"cannot be read: {type(error).__name__}: {error}")
    if not _is_accepted(association, file):
        return file.answered(
            None, f"the peer does not accept {file.sop_class_uid.name} in {file.transfer_syntax_uid.name}"
        )
    try:
        response: Dataset = association.send_c_store(dataset)
    except RuntimeError:
        # The association ended between the check above and the request.
        raise DestinationError(f"{peer} ended the association", file.path) from None
    except ValueError as error:
        # The data set cannot be encoded in the transfer syntax that the peer has accepted.
        return file.answered(None, f"cannot be sent: {error}")
    if "Status" not in response:
        raise DestinationError(f"{peer} did not answer to {file.path.name}", file.path)
    return file.answered(int(response.Status), _meaning(response))


def _is_accepted(association: Association, file: _File) -> bool:
    syntaxes = _INTERCHANGEABLE if file.transfer_syntax_uid in _INTERCHANGEABLE else (file.transfer_syntax_uid,)
    return any(
        context.abstract_syntax == file.sop_class_uid and context.transfer_syntax[0] in syntaxes
        for context in association.accepted_contexts
    )


def _meaning(response: Dataset) -> str:
    _, known = STORAGE_SERVICE_CLASS_STATUS.get(response.Status, ("", "unknown status"))
    comment = response.get("ErrorComment", "")
    return ": ".join(part for part in (known, comment) if part)
