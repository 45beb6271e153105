"""The archive that plays the PACS in the demonstration: Orthanc where it is installed, else a small storage SCP."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydicom import dcmread

from deploy.child import stop
from deploy.demo.echo import answers_echo
from deploy.orthanc.server import StoredInstance, find_orthanc, free_port, running_orthanc

START_SECONDS = 30.0
STOP_SECONDS = 10.0


class ArchiveError(RuntimeError):
    """The archive does not start."""


class Archive(Protocol):
    """What the demonstration asks of a PACS: take studies by C-STORE, and say what it holds."""

    @property
    def description(self) -> str:
        """What kind of archive this is, for people."""

    @property
    def host(self) -> str:
        """Where its storage SCP listens."""

    @property
    def port(self) -> int:
        """The port of its storage SCP."""

    @property
    def ae_title(self) -> str:
        """Its AE title."""

    def instances(self, study_instance_uid: str) -> tuple[StoredInstance, ...]:
        """Return what it holds of one study."""

    def series_modalities(self, study_instance_uid: str) -> Sequence[str]:
        """Return the modality of each series that it holds of one study."""

    def fetch(self, key: str) -> bytes:
        """Return the DICOM file of one instance."""


@dataclass(frozen=True)
class FolderArchive:
    """The storage SCP of :mod:`deploy.demo.storage_scp`, seen through the folder that it writes to."""

    host: str
    port: int
    ae_title: str
    folder: Path

    description = "a small storage SCP (Orthanc is not installed)"

    def instances(self, study_instance_uid: str) -> tuple[StoredInstance, ...]:
        """Return what the folder holds of one study, in the order of file names."""
        found = []
        for path in sorted(self.folder.glob(f"{study_instance_uid}/*/*.dcm")):
            header = dcmread(path, specific_tags=["SOPClassUID", "SOPInstanceUID", "Modality"])
            found.append(
                StoredInstance(header.SOPInstanceUID, header.SOPClassUID, path.parent.name, header.Modality, str(path))
            )
        return tuple(found)

    def series_modalities(self, study_instance_uid: str) -> Sequence[str]:
        """Return the modality of each series, from one instance of each."""
        series = (self.folder / study_instance_uid).glob("*")
        firsts = (next(folder.glob("*.dcm"), None) for folder in series)
        return [str(dcmread(path, specific_tags=["Modality"]).Modality) for path in firsts if path is not None]

    def fetch(self, key: str) -> bytes:
        """Return the file as it was stored."""
        return Path(key).read_bytes()


@contextmanager
def running_archive(folder: Path, *, ae_title: str = "ARCHIVE") -> Iterator[Archive]:
    """Start an archive on this machine that keeps everything in `folder`, and stop it at the end."""
    archive = running_orthanc if find_orthanc() else running_storage_scp
    with archive(folder, ae_title=ae_title) as running:
        yield running


@contextmanager
def running_storage_scp(folder: Path, *, ae_title: str = "ARCHIVE") -> Iterator[FolderArchive]:
    """Start the small storage SCP as a process of its own. Raises :class:`ArchiveError` if it does not answer."""
    folder.mkdir(parents=True, exist_ok=True)
    archive = FolderArchive("127.0.0.1", free_port(), ae_title, folder / "storage")
    log_path = folder / "storage_scp.log"
    command = [sys.executable, "-m", "deploy.demo.storage_scp", str(archive.folder), str(archive.port), ae_title]
    with log_path.open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    try:
        end = time.monotonic() + START_SECONDS
        while not answers_echo(archive.host, archive.port, ae_title):
            if process.poll() is not None or time.monotonic() > end:
                raise ArchiveError(f"the storage SCP did not start:\n{log_path.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        yield archive
    finally:
        stop(process, STOP_SECONDS)
