"""Storing in the spool and reading from it; see the package for its layout."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timezone
from pathlib import Path

from deploy.node import file_meta
from deploy.node.durable import synchronize_file, synchronize_folder
from deploy.node.file_meta import FileMeta
from deploy.node.header import SEARCHED_BYTES, InstanceHeader, is_uid, read_header
from deploy.node.spool.incoming import IncomingFile
from deploy.node.spool.instance import CONFLICT_MARK, Arrival, StoredInstance, TornFileError
from deploy.node.spool.study_folder import locked_study

FOLDER_NAME = "spool"
_INCOMING = "incoming"
_TORN = "torn"
_CHUNK_BYTES = 1 << 20

_KNOWN_FOLDERS = 10_000
"""How many folders are remembered: a node runs for months, and one that is forgotten is only made durable again."""


class Spool:
    """The spool below a data folder; instances may be stored from several threads and processes.

    ``writer`` names the process in ``incoming``: what it leaves half-written when it is killed is known by it.
    """

    def __init__(self, data_folder: Path, *, writer: str = "node") -> None:
        self.folder = data_folder / FOLDER_NAME
        self._incoming = self.folder / _INCOMING
        self._writer = writer
        self._numbers = itertools.count()
        # Folders whose entry in their parent is known to be on disk.
        self._durable: set[str] = set()

    def open(self) -> None:
        """Prepare for receiving: make the folders and remove what a killed process left half-written.

        The caller holds the data folder (:func:`deploy.node.lock.lock_data_folder`): only one node may receive.
        """
        self._incoming.mkdir(parents=True, exist_ok=True)
        for folder in (self.folder.parent, self.folder, self._incoming):
            synchronize_folder(folder)
        for remnant in self._incoming.iterdir():
            remnant.unlink()

    def discard_incoming(self, writer: str) -> None:
        """Remove what a process that was killed left half-written."""
        for remnant in self._incoming.glob(f"{writer}-*.part"):
            remnant.unlink()

    def begin(self, meta: FileMeta) -> IncomingFile:
        """Begin an instance that comes in fragments; :meth:`keep` ends it, or its ``discard``."""
        return IncomingFile(f"{self._incoming}/{self._writer}-{next(self._numbers)}.part", meta)

    def store(self, data_set: bytes, header: InstanceHeader, meta: FileMeta) -> StoredInstance:
        """Write one instance; when this returns, it survives a loss of power.

        Raises :class:`OSError` when it cannot be written; nothing is then left of it.
        """
        incoming = self.begin(meta)
        try:
            incoming.write(data_set)
            return self.keep(incoming, header)
        finally:
            incoming.discard()

    def keep(self, incoming: IncomingFile, header: InstanceHeader) -> StoredInstance:
        """Give an instance that has come completely its final name; when this returns, it survives a loss of power.

        The file gets its name before it is synchronised: on ext4 that is one commit of the journal instead of two.
        What a loss of power leaves between the two is known by its self-check, and was not acknowledged.

        Raises :class:`OSError` when it cannot be kept; ``incoming`` is to be discarded in any case.
        """
        digest = incoming.seal()
        with self.lock_study(header.study_instance_uid) as made:
            series, name, arrival = self._name(header, digest)
            folder = f"{self.folder}/{header.study_instance_uid}/{series}"
            final = f"{folder}/{name}"
            self._make_folder(f"{self.folder}/{header.study_instance_uid}", folder, made)
            if arrival is not Arrival.DUPLICATE:
                os.rename(incoming.path, final)  # noqa: PTH104
        if arrival is Arrival.DUPLICATE:
            # Another process may be about to do so, or have been killed just before.
            synchronize_file(final)
        else:
            try:
                incoming.synchronize()
            except OSError:
                Path(final).unlink(missing_ok=True)
                raise
        synchronize_folder(folder)
        return StoredInstance(
            header=header,
            transfer_syntax_uid=incoming.meta.transfer_syntax_uid,
            calling_ae_title=incoming.meta.calling_ae_title,
            path=f"{header.study_instance_uid}/{series}/{name}",
            sha256=digest,
            size=incoming.size,
            received=datetime.now(timezone.utc),
            arrival=arrival,
        )

    def lock_study(self, study_instance_uid: str) -> AbstractContextManager[bool]:
        """Hold a study's folder, which is made (True) if it is not there: nothing is named in it meanwhile."""
        return locked_study(self.folder / study_instance_uid)

    def paths(self) -> Iterator[str]:
        """Yield the path of every instance in the spool, relative to it, the oldest of a study's first."""
        for study in sorted(self.folder.iterdir()):
            if is_uid(study.name) and study.is_dir():
                files = []
                for file in study.glob("*/*.dcm"):
                    # Retention may delete a study meanwhile.
                    with suppress(FileNotFoundError):
                        files.append((file.stat().st_mtime_ns, file))
                yield from (str(file.relative_to(self.folder)) for _, file in sorted(files))

    def read(self, path: str) -> StoredInstance:
        """Read again what :meth:`store` returned for the file at ``path``, comparing it with its self-check.

        A file of a version without self-checks was synchronised before it got its name: it is taken as it is.

        Raises :class:`OSError`, :class:`TornFileError`, :class:`deploy.node.file_meta.NotDicomFileError` or
        :class:`deploy.node.header.UnreadableHeaderError`.
        """
        file_path = self.folder / path
        with file_path.open("rb") as file:
            meta, check = file_meta.decode_checked(file)
            beginning = file.read(SEARCHED_BYTES)
            digest, size = hashlib.sha256(beginning), len(beginning)
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
        if check is not None and (check.size, check.sha256) != (size, digest.digest()):
            raise TornFileError(f"{size} bytes are there of {check.size}, or others than were received")
        return StoredInstance(
            header=read_header(beginning, meta.transfer_syntax_uid),
            transfer_syntax_uid=meta.transfer_syntax_uid,
            calling_ae_title=meta.calling_ae_title,
            path=path,
            sha256=digest.hexdigest(),
            size=size,
            received=datetime.fromtimestamp(file_path.stat().st_mtime, timezone.utc),
            arrival=Arrival.CONFLICTING if CONFLICT_MARK in path else Arrival.NEW,
        )

    def make_durable(self, path: str) -> None:
        """Bring a file and its entries to the disk: its process may have been killed just before it did so."""
        file = self.folder / path
        synchronize_file(file)
        for folder in (file.parent, file.parent.parent, self.folder):
            synchronize_folder(folder)

    def set_aside(self, path: str) -> str:
        """Move a torn file to where nothing takes it for an instance; return its new path, relative to the spool."""
        target = self.folder / _TORN / path
        target.parent.mkdir(parents=True, exist_ok=True)
        while target.exists():
            target = target.with_name(f"{target.stem}-again{target.suffix}")
        (self.folder / path).rename(target)
        synchronize_folder(target.parent)
        synchronize_folder((self.folder / path).parent)
        return str(target.relative_to(self.folder))

    # Text instead of Path from here on: this is done for every instance, and takes a third of the time.

    def _name(self, header: InstanceHeader, digest: str) -> tuple[str, str, Arrival]:
        """Series and name under which an instance belongs, and what is there."""
        study = f"{self.folder}/{header.study_instance_uid}"
        name = f"{header.sop_instance_uid}.dcm"
        series = _series_that_has(study, header.series_instance_uid, name)
        if series is None:
            return header.series_instance_uid, name, Arrival.NEW
        if _stored_digest(f"{study}/{series}/{name}") == digest:
            # What the disk has spoilt is replaced by the copy that the sender still has.
            whole = _digest_of_data_set(f"{study}/{series}/{name}") == digest
            return series, name, Arrival.DUPLICATE if whole else Arrival.NEW
        other = f"{header.sop_instance_uid}{CONFLICT_MARK}{digest[:16]}.dcm"
        is_there = os.path.exists(f"{study}/{header.series_instance_uid}/{other}")  # noqa: PTH110
        return header.series_instance_uid, other, Arrival.DUPLICATE if is_there else Arrival.CONFLICTING

    def _make_folder(self, study: str, series: str, study_made: bool) -> None:
        """Make a series' folder such that it survives a loss of power; its study's is there, and locked."""
        try:
            os.mkdir(series)  # noqa: PTH102
            series_made = True
        except FileExistsError:
            series_made = False
        for folder, parent, made in ((study, str(self.folder), study_made), (series, study, series_made)):
            if made:
                self._durable.discard(folder)
            if folder not in self._durable:
                synchronize_folder(parent)
                if len(self._durable) >= _KNOWN_FOLDERS:
                    self._durable.clear()
                self._durable.add(folder)


def _series_that_has(study: str, own: str, name: str) -> str | None:
    """The series in whose folder an instance is: its own, or another, as another copy may claim."""
    if os.path.exists(f"{study}/{own}/{name}"):  # noqa: PTH110
        return own
    with os.scandir(study) as entries:
        others = [entry.name for entry in entries if entry.name != own and entry.is_dir()]
    return next((each for each in others if os.path.exists(f"{study}/{each}/{name}")), None)  # noqa: PTH110


def _stored_digest(path: str) -> str:
    """The digest that a file's self-check tells; of a version without self-checks that of its content."""
    with open(path, "rb") as file:  # noqa: PTH123
        _, check = file_meta.decode_checked(file)
    return _digest_of_data_set(path) if check is None else check.sha256.hex()


def _digest_of_data_set(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:  # noqa: PTH123
        file_meta.decode_checked(file)
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
