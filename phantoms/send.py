"""Play the scanner's side of C-STORE (PS3.4 annex B): send files over one association."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread
from pydicom.uid import UID
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider

SUCCESS = 0x0000
# Warnings mean that the receiver stored the instance all the same (PS3.4 table B.2-1).
WARNINGS = (0xB000, 0xB006, 0xB007)
MAXIMUM_CONTEXTS = 128


class SendError(ConnectionError):
    """The peer could not be reached, refused the association or a presentation context, or ended the association."""


@dataclass(frozen=True)
class SentInstance:
    """One instance and the status that the peer gave it."""

    path: Path
    sop_instance_uid: UID
    status: int

    @property
    def stored(self) -> bool:
        """Whether the peer says that it has the instance."""
        return self.status == SUCCESS or self.status in WARNINGS


@dataclass(frozen=True)
class SendReport:
    """Statuses in the order of sending, and the time from the request of the association to its release."""

    instances: tuple[SentInstance, ...]
    seconds: float

    @property
    def failed(self) -> tuple[SentInstance, ...]:
        """Instances that the peer refused."""
        return tuple(instance for instance in self.instances if not instance.stored)


def send_files(
    paths: Iterable[Path | str],
    host: str,
    port: int,
    *,
    calling_ae_title: str = "PHANTOM",
    called_ae_title: str = "GANTRY",
    on_progress: Callable[[int, int], None] | None = None,
) -> SendReport:
    """Send DICOM files as they are, without transcoding, over one association.

    One presentation context is proposed per SOP class and transfer syntax of the files. `on_progress(done, total)` is
    called after each instance. A refusal of a single instance is in the report; raises SendError where nothing can be
    sent, ValueError where there is no file or more than 128 contexts would be needed.
    """
    files = [Path(path) for path in paths]
    if not files:
        raise ValueError("there is no file to send")
    metas = [dcmread(path, stop_before_pixels=True, specific_tags=[]).file_meta for path in files]
    contexts = sorted({(meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID) for meta in metas})
    if len(contexts) > MAXIMUM_CONTEXTS:
        raise ValueError(f"{len(contexts)} combinations of SOP class and transfer syntax do not fit one association")

    entity = AE(ae_title=calling_ae_title)
    for sop_class, transfer_syntax in contexts:
        entity.add_requested_context(sop_class, transfer_syntax)
    started = time.monotonic()
    association = entity.associate(host, port, ae_title=called_ae_title)
    leave_answers(association)
    peer = f"{called_ae_title} at {host}:{port}"
    try:
        if association.is_rejected:
            raise SendError(f"{peer} rejected the association: {association.acceptor.primitive.reason_str}")
        # Asked first, since pynetdicom aborts by itself an association without any accepted context.
        if association.rejected_contexts:
            refused = [
                f"{UID(context.abstract_syntax).name} in {UID(context.transfer_syntax[0]).name}"
                for context in association.rejected_contexts
            ]
            raise SendError(f"{peer} does not accept {', '.join(refused)}")
        if not association.is_established:
            raise SendError(f"{peer} cannot be reached or aborted the association")
        sent: list[SentInstance] = []
        for path, meta in zip(files, metas, strict=True):
            try:
                status = association.send_c_store(dcmread(path))
            except RuntimeError as error:
                # pynetdicom's way to say that the association has ended before the request.
                raise SendError(f"{peer} ended the association after {len(sent)} of {len(files)} instances") from error
            if "Status" not in status:
                raise SendError(f"{peer} gave no answer to {path.name} after {len(sent)} of {len(files)} instances")
            sent.append(SentInstance(path, meta.MediaStorageSOPInstanceUID, status.Status))
            if on_progress is not None:
                on_progress(len(sent), len(files))
    finally:
        if association.is_established:
            association.release()
    return SendReport(tuple(sent), time.monotonic() - started)


def leave_answers(association: Association) -> None:
    """Let only the thread that has asked take a message from the peer.

    pynetdicom's own thread of an association is to pause while a request is under way, but may look for messages once
    more after the pause has begun, and a fast node's answer would never be seen.
    """
    provider = association.dimse

    def take_if_asked(block: bool = False) -> object:
        return DIMSEServiceProvider.get_msg(provider, block=True) if block else (None, None)

    provider.get_msg = take_if_asked
