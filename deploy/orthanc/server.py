"""Run one Orthanc of its own: its own storage folder, free ports, web access from this machine only.

It knows nothing of an Orthanc that may be installed as a service, and leaves nothing behind but its folder.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.child import stop

CONFIGURATION = Path(__file__).with_name("orthanc.json")
START_SECONDS = 30.0
STOP_SECONDS = 10.0
# Debian installs servers where the search path of an ordinary user does not look.
_SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin")
DICOM_WEB_PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
"""Where Debian's package orthanc-dicomweb puts the plugin."""
DICOM_WEB_PATH = "/dicom-web"
# Calls to this machine must not go through a proxy that the environment names.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class OrthancError(RuntimeError):
    """Orthanc is not installed, does not start or does not answer."""


def find_orthanc() -> Path | None:
    """Return the program `Orthanc`, or None where it is not installed."""
    found = shutil.which("Orthanc") or shutil.which("Orthanc", path=":".join(_SYSTEM_FOLDERS))
    return Path(found) if found else None


def free_port() -> int:
    """Return a TCP port that nothing listens on at 127.0.0.1 just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass(frozen=True)
class StoredInstance:
    """One instance in an archive: its identifiers and where the archive keeps it."""

    sop_instance_uid: str
    sop_class_uid: str
    series_instance_uid: str
    modality: str
    key: str


@dataclass(frozen=True)
class Orthanc:
    """A running Orthanc on this machine."""

    host: str
    port: int
    http_port: int
    ae_title: str
    log: Path

    description = "Orthanc"

    @property
    def dicom_web_url(self) -> str:
        """Root of its DICOMweb services (PS3.18), which it has if it was started with them."""
        return f"http://{self.host}:{self.http_port}{DICOM_WEB_PATH}"

    def instances(self, study_instance_uid: str) -> tuple[StoredInstance, ...]:
        """Return what Orthanc holds of one study, in no order."""
        wanted = {"Level": "Instance", "Query": {"StudyInstanceUID": study_instance_uid}}
        keys = self._ask("/tools/find", wanted)
        return tuple(self._instance(key) for key in keys)

    def series_modalities(self, study_instance_uid: str) -> Sequence[str]:
        """Return the modality of each series of one study; far cheaper than :meth:`instances`."""
        wanted = {"Level": "Series", "Query": {"StudyInstanceUID": study_instance_uid}, "Expand": True}
        return [series["MainDicomTags"].get("Modality", "") for series in self._ask("/tools/find", wanted)]

    def fetch(self, key: str) -> bytes:
        """Return the DICOM file of one instance, as it was received."""
        return self._read(f"/instances/{key}/file")

    def _instance(self, key: str) -> StoredInstance:
        tags = self._ask(f"/instances/{key}/tags?simplify")
        return StoredInstance(
            tags["SOPInstanceUID"], tags["SOPClassUID"], tags["SeriesInstanceUID"], tags.get("Modality", ""), key
        )

    def _ask(self, path: str, body: object = None) -> Any:
        return json.loads(self._read(path, body))

    def _read(self, path: str, body: object = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{self.host}:{self.http_port}{path}", data)
        try:
            with _DIRECT.open(request, timeout=30) as answer:
                return bytes(answer.read())
        except (urllib.error.URLError, OSError) as error:
            raise OrthancError(f"Orthanc did not answer {path}: {error}") from error


@contextmanager
def running_orthanc(
    folder: Path,
    *,
    ae_title: str = "ARCHIVE",
    dicom_web: bool = False,
    modalities: Mapping[str, Sequence[str | int]] | None = None,
    unknown_sop_classes: bool = True,
) -> Iterator[Orthanc]:
    """Start Orthanc with its storage and log in `folder`, wait until it answers, and stop it at the end.

    With `dicom_web` it also offers QIDO-RS, WADO-RS and STOW-RS, which viewers in a browser need.
    `modalities` are the peers that it calls by itself, by name: AE title, host and port. Without `unknown_sop_classes`
    it takes only what it knows, as Debian's does by default.

    Raises :class:`OrthancError` where it or its plugin is absent or does not start; the message holds the end of its
    log.
    """
    program = find_orthanc()
    if program is None:
        raise OrthancError("Orthanc is not installed (Debian package: orthanc)")
    if dicom_web and not DICOM_WEB_PLUGIN.is_file():
        raise OrthancError("Orthanc's DICOMweb plugin is not installed (Debian package: orthanc-dicomweb)")
    folder.mkdir(parents=True, exist_ok=True)
    orthanc = Orthanc("127.0.0.1", free_port(), free_port(), ae_title, folder / "orthanc.log")
    storage = str(folder / "storage")
    configuration = json.loads(CONFIGURATION.read_text(encoding="utf-8"))
    configuration |= {"StorageDirectory": storage, "IndexDirectory": storage}
    configuration |= {"DicomAet": ae_title, "DicomPort": orthanc.port, "HttpPort": orthanc.http_port}
    configuration |= {"DicomModalities": dict(modalities or {}), "UnknownSopClassAccepted": unknown_sop_classes}
    if dicom_web:
        configuration |= {"Plugins": [str(DICOM_WEB_PLUGIN)], "DicomWeb": {"Enable": True, "Root": DICOM_WEB_PATH}}
    written = folder / "orthanc.json"
    written.write_text(json.dumps(configuration, indent=2), encoding="utf-8")
    with orthanc.log.open("wb") as log:
        process = subprocess.Popen(
            [program, str(written)], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_it_answers(orthanc, process)
        yield orthanc
    finally:
        stop(process, STOP_SECONDS)


def _wait_until_it_answers(orthanc: Orthanc, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            orthanc._ask("/system")
            return
        except OrthancError as error:
            if process.poll() is not None or time.monotonic() > end:
                tail = orthanc.log.read_text(encoding="utf-8", errors="replace")[-2000:]
                raise OrthancError(f"Orthanc did not start:\n{tail}") from error
        time.sleep(0.05)
