"""The spool: every received instance as a DICOM file, durable before it is acknowledged. It is the truth.

spool/<study instance uid>/<series instance uid>/<sop instance uid>.dcm
spool/<study instance uid>/<series instance uid>/<sop instance uid>.sha256-<16 digits>.dcm    another copy, kept apart
spool/incoming/                                                                             being written
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path
from uuid import uuid4

from deploy.node import file_meta
from deploy.node.durable import synchronize_folder
from deploy.node.file_meta import FileMeta
from deploy.node.header import InstanceHeader, read_header

FOLDER_NAME = "spool"
_INCOMING = "incoming"
_CONFLICT_MARK = ".sha256-"
_CHUNK_BYTES = 1 << 20

_KNOWN_FOLDERS = 10_000
"""How many folders are remembered: a node runs for months, and one that is forgotten is only made durable again."""


class Arrival(str, Enum):
    """What an instance was to the spool when it came."""

    NEW = "new"
    DUPLICATE = "duplicate"
    """The same bytes are there already."""
    CONFLICTING = "conflicting"
    """Other bytes are there under the same SOP Instance UID: the first ones stay in use, these are kept apart."""


@dataclass(frozen=True)
class StoredInstance:
    """One instance in the spool.

    ``path`` is relative to the spool; ``sha256`` (hexadecimal) and ``size`` (bytes) are of the data set, without
    the File Meta Information, which says who sent it; ``received`` is in UTC.
    """

    header: InstanceHeader
    transfer_syntax_uid: str
    calling_ae_title: str
    path: str
    sha256: str
    size: int
    received: datetime
    arrival: Arrival

    @property
    def is_first_copy(self) -> bool:
        """Whether this is the copy that is used, of those under its SOP Instance UID."""
        return _CONFLICT_MARK not in self.path


class Spool:
    """The spool below a data folder; ``store`` may be called from several threads of one process."""

    def __init__(self, data_folder: Path) -> None:
        self.folder = data_folder / FOLDER_NAME
        self._incoming = self.folder / _INCOMING
        # Folders whose entry in their parent is known to be on disk.
        self._durable: set[Path] = set()
        self._naming = threading.Lock()

    def open(self) -> None:
        """Prepare for receiving: make the folders and remove what a killed process left half-written.

        The caller holds the data folder (:func:`deploy.node.lock.lock_data_folder`): only one process may receive.
        """
        self._incoming.mkdir(parents=True, exist_ok=True)
        for folder in (self.folder.parent, self.folder, self._incoming):
            synchronize_folder(folder)
        for remnant in self._incoming.iterdir():
            remnant.unlink()

    def store(self, data_set: bytes, header: InstanceHeader, meta: FileMeta) -> StoredInstance:
        """Write one instance; when this returns, it survives a loss of power.

        Raises :class:`OSError` when it cannot be written; nothing is then left of it.
        """
        digest = hashlib.sha256(data_set).hexdigest()
        temporary = self._incoming / f"{uuid4()}.part"
        try:
            with temporary.open("xb") as file:
                file.write(file_meta.encode(meta))
                file.write(data_set)
                file.flush()
                os.fsync(file.fileno())
            # One at a time: two associations may send the same instance.
            with self._naming:
                final, arrival = self._name(header, digest)
                self._make_folder(final.parent)
                if arrival is not Arrival.DUPLICATE:
                    temporary.rename(final)
        finally:
            temporary.unlink(missing_ok=True)
        # Also for a duplicate: the process that wrote the first copy may have been killed just before this.
        synchronize_folder(final.parent)
        return StoredInstance(
            header=header,
            transfer_syntax_uid=meta.transfer_syntax_uid,
            calling_ae_title=meta.calling_ae_title,
            path=str(final.relative_to(self.folder)),
            sha256=digest,
            size=len(data_set),
            received=datetime.now(timezone.utc),
            arrival=arrival,
        )

    def paths(self) -> Iterator[str]:
        """Yield the path of every instance in the spool, relative to it, the oldest of a study's first."""
        for study in sorted(self.folder.iterdir()):
            if study.is_dir() and study != self._incoming:
                files = [(file.stat().st_mtime_ns, file) for file in study.glob("*/*.dcm")]
                yield from (str(file.relative_to(self.folder)) for _, file in sorted(files))

    def read(self, path: str) -> StoredInstance:
        """Read again what :meth:`store` returned for the file at ``path``.

        Raises :class:`OSError`, :class:`deploy.node.file_meta.NotDicomFileError` or
        :class:`deploy.node.header.UnreadableHeaderError`.
        """
        file_path = self.folder / path
        with file_path.open("rb") as file:
            meta = file_meta.decode(file)
            data_set = file.read()
        return StoredInstance(
            header=read_header(data_set, meta.transfer_syntax_uid),
            transfer_syntax_uid=meta.transfer_syntax_uid,
            calling_ae_title=meta.calling_ae_title,
            path=path,
            sha256=hashlib.sha256(data_set).hexdigest(),
            size=len(data_set),
            received=datetime.fromtimestamp(file_path.stat().st_mtime, timezone.utc),
            arrival=Arrival.CONFLICTING if _CONFLICT_MARK in path else Arrival.NEW,
        )

    def _name(self, header: InstanceHeader, digest: str) -> tuple[Path, Arrival]:
        """Where an instance belongs, and what is there."""
        study = self.folder / header.study_instance_uid
        own = study / header.series_instance_uid / f"{header.sop_instance_uid}.dcm"
        # Another copy may say that it is of another series.
        first = own if own.exists() else next(study.glob(f"*/{header.sop_instance_uid}.dcm"), None)
        if first is None:
            return own, Arrival.NEW
        if _digest_of_data_set(first) == digest:
            return first, Arrival.DUPLICATE
        other = own.with_name(f"{header.sop_instance_uid}{_CONFLICT_MARK}{digest[:16]}.dcm")
        return other, Arrival.DUPLICATE if other.exists() else Arrival.CONFLICTING

    def _make_folder(self, series: Path) -> None:
        """Make a series' folder such that it survives a loss of power."""
        for folder in (series.parent, series):
            if not folder.is_dir():
                folder.mkdir()
                self._durable.discard(folder)
            if folder not in self._durable:
                synchronize_folder(folder.parent)
                if len(self._durable) >= _KNOWN_FOLDERS:
                    self._durable.clear()
                self._durable.add(folder)


def _digest_of_data_set(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        file_meta.decode(file)
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
