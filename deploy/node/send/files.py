"""The files to send: what each is, from its File Meta Information alone, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydicom.uid import UID
from pynetdicom.dsutils import split_dataset

SUCCESS = 0x0000

WARNINGS = (0x0001, 0x0107, 0x0116)
"""General warnings (PS3.7 annex C); those of the storage service are 0xBxxx (PS3.4 table B.2-1)."""


@dataclass(frozen=True)
class SentInstance:
    """What became of one file. ``status`` is the peer's, None if the instance was not sent at all.

    ``not_accepted`` tells that it was not, because the peer, which has answered, takes no such objects.
    """

    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    status: int | None
    meaning: str
    not_accepted: bool = False

    @property
    def delivered(self) -> bool:
        """Whether the peer says that it has stored the instance, though perhaps not quite as it was sent."""
        return self.status is not None and (
            self.status == SUCCESS or self.status in WARNINGS or self.status >> 12 == 0xB
        )

    @property
    def out_of_resources(self) -> bool:
        """Whether the peer has no room for any instance now (0xA7xx): this one is not at fault."""
        return self.status is not None and self.status >> 8 == 0xA7

    def __str__(self) -> str:
        code = "not sent" if self.status is None else f"{self.status:04X}"
        return f"{code} {self.meaning}".strip()


@dataclass(frozen=True)
class InstanceFile:
    """One instance in a DICOM file of ``size`` bytes; its data set begins ``offset`` bytes from the start."""

    path: Path
    sop_class_uid: UID
    sop_instance_uid: UID
    transfer_syntax_uid: UID
    offset: int
    size: int

    @property
    def context(self) -> tuple[UID, UID]:
        """The abstract and transfer syntax that it needs."""
        return self.sop_class_uid, self.transfer_syntax_uid

    def answered(self, status: int | None, meaning: str) -> SentInstance:
        """Return what became of it."""
        return SentInstance(self.path, str(self.sop_class_uid), str(self.sop_instance_uid), status, meaning)

    def not_accepted(self) -> SentInstance:
        """Return what became of it where the peer takes none of its kind."""
        kind = f"{self.sop_class_uid.name} in {self.transfer_syntax_uid.name}"
        return replace(self.answered(None, f"the peer does not accept {kind}"), not_accepted=True)


def identify(path: Path) -> InstanceFile | SentInstance:
    """Read a file's identity without its data set; a file that cannot be read is an instance that was not sent."""
    try:
        meta, offset = split_dataset(path)
        return InstanceFile(
            path,
            meta.MediaStorageSOPClassUID,
            meta.MediaStorageSOPInstanceUID,
            meta.TransferSyntaxUID,
            offset,
            path.stat().st_size,
        )
    # A damaged file can make the parser raise nearly anything; whatever it is, the others are to be sent.
    except Exception as error:
        return unreadable(path, error)


def unreadable(path: Path, error: Exception) -> SentInstance:
    """Return what became of a file that cannot be read."""
    return SentInstance(path, "", "", None, f"cannot be read: {type(error).__name__}: {error}")


def within(files: Sequence[InstanceFile], maximum_contexts: int) -> Iterator[list[InstanceFile]]:
    """Split files, in their order, where they would need more kinds of presentation contexts than these."""
    group: list[InstanceFile] = []
    contexts: set[tuple[UID, UID]] = set()
    for file in files:
        if len(contexts | {file.context}) > maximum_contexts:
            yield group
            group, contexts = [], set()
        group.append(file)
        contexts.add(file.context)
    if group:
        yield group
