"""Real archives to ask: DCMTK's dcmqrscp and Orthanc, each with the same studies."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGBaseline8Bit, MRImageStorage, SecondaryCaptureImageStorage

from deploy.child import stop
from deploy.node.config import ArchiveConfig
from deploy.node.query import Archive
from deploy.orthanc.server import running_orthanc
from tests.deploy.node.sending import encoded, instance, send_unchanged, write_file
from tests.peers import dcmtk, free_port
from tests.waiting import until_it_listens

AE_TITLE = "ARCHIVE"

CURRENT = "1.2.826.0.1.3680043.8.498.20"
PRIOR = "1.2.826.0.1.3680043.8.498.21"
OTHER_PATIENT = "1.2.826.0.1.3680043.8.498.22"
COMPRESSED = "1.2.826.0.1.3680043.8.498.23"

CONTEXTS = (
    (MRImageStorage, ExplicitVRLittleEndian),
    (MRImageStorage, JPEGBaseline8Bit),
    (SecondaryCaptureImageStorage, ExplicitVRLittleEndian),
)


def studies(folder: Path) -> list[Path]:
    """A study of two series (3 MR images and 1 secondary capture) and two other studies."""
    made = [
        (instance(1, study=CURRENT), ExplicitVRLittleEndian),
        (instance(2, study=CURRENT), ExplicitVRLittleEndian),
        (instance(3, study=CURRENT), ExplicitVRLittleEndian),
        (
            instance(1, study=CURRENT, series=2, SOPClassUID=SecondaryCaptureImageStorage, Modality="OT"),
            ExplicitVRLittleEndian,
        ),
        (instance(1, study=PRIOR, StudyDate="20240203"), ExplicitVRLittleEndian),
        (instance(1, study=OTHER_PATIENT, PatientID="P11"), ExplicitVRLittleEndian),
    ]
    return _write(folder, made)


def compressed(folder: Path) -> list[Path]:
    """A study of another patient, of which one instance is compressed."""
    plain, other = (instance(number, study=COMPRESSED, PatientID="P3", StudyDate="20250101") for number in (1, 2))
    return _write(folder, [(plain, ExplicitVRLittleEndian), (other, JPEGBaseline8Bit)])


def _write(folder: Path, made: Sequence[tuple[Dataset, UID]]) -> list[Path]:
    return [
        write_file(
            folder / f"{image.SOPInstanceUID}.dcm",
            encoded(image, syntax),
            sop_instance_uid=image.SOPInstanceUID,
            sop_class_uid=image.SOPClassUID,
            transfer_syntax=syntax,
        )
        for image, syntax in made
    ]


@contextmanager
def dcmqrscp(folder: Path, files: Sequence[Path], move_port: int) -> Iterator[Archive]:
    """DCMTK's archive with these files; it sends to the AE title GANTRY at ``move_port``."""
    port = free_port()
    (folder / "database").mkdir(parents=True)
    (folder / "dcmqrscp.cfg").write_text(
        f"""NetworkTCPPort = {port}
MaxPDUSize = 16384
MaxAssociations = 16
HostTable BEGIN
gantry = (GANTRY, 127.0.0.1, {move_port})
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
{AE_TITLE} {folder / "database"} RW (200, 1024mb) ANY
AETable END
"""
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [dcmtk("dcmqrscp"), "-c", str(folder / "dcmqrscp.cfg")],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={"TCP_NODELAY": "1", "DCMDICTPATH": "/usr/share/libdcmtk17/dicom.dic"},
        )
    try:
        until_it_listens(port)
        _fill(port, files)
        yield _archive("dcmqrscp", port)
    finally:
        stop(process, 10)


@contextmanager
def orthanc(folder: Path, files: Sequence[Path], move_port: int) -> Iterator[Archive]:
    """Orthanc with these files; it sends to the AE title GANTRY at ``move_port``."""
    with running_orthanc(folder, ae_title=AE_TITLE) as server:
        _fill(server.port, files)
        modality = {"AET": "GANTRY", "Host": "127.0.0.1", "Port": move_port}
        request = urllib.request.Request(
            f"http://{server.host}:{server.http_port}/modalities/gantry",
            json.dumps(modality).encode(),
            method="PUT",
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30):
            pass
        yield _archive("orthanc", server.port)


def _archive(name: str, port: int) -> Archive:
    config = ArchiveConfig(ae_title=AE_TITLE, host="127.0.0.1", port=port, answer_seconds=20)
    return Archive(name, config, "GANTRY")


def _fill(port: int, files: Sequence[Path]) -> None:
    answers = send_unchanged(port, files, CONTEXTS, called_ae_title=AE_TITLE)
    assert [answer.Status for answer in answers] == [0] * len(files)
