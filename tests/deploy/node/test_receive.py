"""Real senders on loopback against the receiver; DCMTK's where it is installed."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.uid import (
    JPEG2000,
    UID,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    MRImageStorage,
    RLELossless,
)
from pynetdicom.sop_class import PatientRootQueryRetrieveInformationModelFind, Verification
from sqlalchemy import select

from deploy.node import file_meta
from deploy.node.access import Rejections
from deploy.node.config import DiskConfig, NodeConfig, PeerConfig, ReceiveConfig
from deploy.node.database import Database, Event, Instance, Study, open_database
from deploy.node.index import ReceiveIndex, reconcile
from deploy.node.receive.storage_scp import StorageSCP
from deploy.node.spool import Spool
from tests.deploy.node.sending import STUDY, association, encoded, instance, send_unchanged, write_file
from tests.peers import dcmtk, free_port
from tests.waiting import until


@dataclass
class Receiver:
    """A receiver with spool and database, as the node composes it."""

    config: NodeConfig
    scp: StorageSCP
    rejections: Rejections
    spool: Spool
    database: Database
    port: int

    def events(self, kind: str, count: int = 1) -> list[Event]:
        """The events of a kind, once there are so many: the index is written behind the sender's back."""
        until(lambda: len(self._events(kind)) >= count)
        return self._events(kind)

    def _events(self, kind: str) -> list[Event]:
        self.rejections.write(rest=True)
        with self.database.read() as session:
            return list(session.scalars(select(Event).where(Event.kind == kind).order_by(Event.id)))

    def instances(self, count: int) -> list[Instance]:
        """What is indexed, once there are so many."""

        def found() -> list[Instance]:
            with self.database.read() as session:
                return list(session.scalars(select(Instance).order_by(Instance.id)))

        until(lambda: len(found()) >= count)
        return found()

    def data_sets(self) -> dict[str, bytes]:
        """What is in the spool: the data set's bytes by file name."""
        found = {}
        for path in self.spool.paths():
            with (self.spool.folder / path).open("rb") as file:
                file_meta.decode(file)
                found[Path(path).name] = file.read()
        return found


def node_config(folder: Path, port: int, *, reserve_gib: float = 0.0, **more: Any) -> NodeConfig:
    """One process, and everybody on this machine may echo and store."""
    return NodeConfig(
        data_folder=folder,
        receive=ReceiveConfig(**{"host": "127.0.0.1", "port": port, "processes": 1, **more}),
        peers={"anybody": PeerConfig(ae_title="*", networks=("127.0.0.0/8",))},  # type: ignore[arg-type]
        disk=DiskConfig(reserve_gib=reserve_gib),
    )


@contextmanager
def running_receiver(folder: Path, **more: Any) -> Iterator[Receiver]:
    config = node_config(folder, free_port(), **more)
    database, spool = open_database(folder), Spool(folder)
    spool.open()
    rejections = Rejections(database)
    scp = StorageSCP(config, spool, ReceiveIndex(database, rejections))
    scp.start()
    try:
        yield Receiver(config, scp, rejections, spool, database, config.receive.port)
    finally:
        scp.stop()
        database.close()


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with running_receiver(tmp_path / "node") as running:
        yield running


def dicom_file(folder: Path, number: int = 1, syntax: UID = ExplicitVRLittleEndian, **more: Any) -> Path:
    image = instance(number, **more)
    path = folder / f"{number}.dcm"
    return write_file(path, encoded(image, syntax), sop_instance_uid=image.SOPInstanceUID, transfer_syntax=syntax)


SYNTAXES = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEG2000,
    RLELossless,
    UID("1.2.840.10008.1.2.4.203"),  # High-Throughput JPEG 2000, which pynetdicom does not list
)


def test_every_transfer_syntax_arrives_byte_for_byte(receiver: Receiver, tmp_path: Path) -> None:
    files = [dicom_file(tmp_path, number, syntax) for number, syntax in enumerate(SYNTAXES)]
    answers = send_unchanged(receiver.port, files, [(MRImageStorage, syntax) for syntax in SYNTAXES])
    assert [answer.Status for answer in answers] == [0x0000] * len(SYNTAXES)
    received = receiver.data_sets()
    rows = {row.sop_instance_uid: row for row in receiver.instances(len(files))}
    for number, (path, syntax) in enumerate(zip(files, SYNTAXES, strict=True)):
        uid = f"{STUDY}.1.{number}"
        with path.open("rb") as file:
            file_meta.decode(file)
            assert received[f"{uid}.dcm"] == file.read()
        assert rows[uid].transfer_syntax_uid == syntax
        assert dcmread(receiver.spool.folder / rows[uid].path).file_meta.TransferSyntaxUID == syntax
        assert rows[uid].calling_ae_title == "SCANNER"
    with receiver.database.read() as session:
        study = session.get_one(Study, STUDY)
        assert (study.patient_name, study.patient_id, study.accession_number) == ("Müller^Jürgen", "P1", "A1")


PRIVATE = "1.2.826.0.1.3680043.8.498.99.1"
RETIRED_AND_TO_COME = ("1.2.840.10008.5.1.4.1.1.6", "1.2.840.10008.5.1.1.29", "1.2.840.10008.5.1.4.1.1.99999")


def test_every_storage_class_of_the_standard_and_configured_private_ones_are_stored(tmp_path: Path) -> None:
    sop_classes = [PRIVATE, *RETIRED_AND_TO_COME]
    files = [
        write_file(
            tmp_path / f"{number}.dcm",
            encoded(instance(number, SOPClassUID=sop_class)),
            sop_instance_uid=f"{STUDY}.1.{number}",
            sop_class_uid=sop_class,
        )
        for number, sop_class in enumerate(sop_classes)
    ]
    contexts = [(each, ExplicitVRLittleEndian) for each in sop_classes]
    with running_receiver(tmp_path / "node", private_sop_classes=(PRIVATE,)) as receiver:
        assert [answer.Status for answer in send_unchanged(receiver.port, files, contexts)] == [0] * len(files)
        assert len(receiver.data_sets()) == len(files)


def test_a_private_class_that_is_not_configured_is_not_offered(receiver: Receiver) -> None:
    with association(receiver.port, [(PRIVATE, ExplicitVRLittleEndian), (Verification, "1.2.840.10008.1.2")]) as opened:
        assert [context.abstract_syntax for context in opened.accepted_contexts] == [Verification]
        assert [context.result for context in opened.rejected_contexts] == [3]


def test_echo_is_answered_and_other_services_are_not_offered(receiver: Receiver) -> None:
    contexts = [
        (Verification, ImplicitVRLittleEndian),
        (PatientRootQueryRetrieveInformationModelFind, ImplicitVRLittleEndian),
    ]
    with association(receiver.port, contexts) as opened:
        assert opened.send_c_echo().Status == 0x0000
        assert [context.abstract_syntax for context in opened.accepted_contexts] == [Verification]


@pytest.mark.peer
def test_dcmtk_echo_and_store(receiver: Receiver, tmp_path: Path) -> None:
    peer = ["-aet", "DCMTK", "-aec", "GANTRY", "127.0.0.1", str(receiver.port)]
    subprocess.run([dcmtk("echoscu"), *peer], check=True, capture_output=True, timeout=60)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for number in range(1, 6):
        dicom_file(tmp_path / "a", number)
    dicom_file(tmp_path / "b", 6, JPEGLosslessSV1)
    store = [dcmtk("storescu"), "+sd"]
    subprocess.run([*store, *peer, str(tmp_path / "a")], check=True, capture_output=True, timeout=60)
    subprocess.run([*store, "-xs", *peer, str(tmp_path / "b")], check=True, capture_output=True, timeout=60)
    files = [receiver.spool.folder / path for path in receiver.spool.paths()]
    assert len(files) == 6
    for path in files:
        image = dcmread(path)
        number = image.InstanceNumber
        compressed = number == 6
        sent = dcmread(tmp_path / ("b" if compressed else "a") / f"{number}.dcm")
        assert image.file_meta.TransferSyntaxUID == sent.file_meta.TransferSyntaxUID
        assert image.PixelData == sent.PixelData
        assert image.PatientName == "Müller^Jürgen"
    assert receiver.events("received", 2)[0].text == "DCMTK sent 5 new instances and released the association"


def test_the_same_instances_again_are_acknowledged_and_change_nothing(receiver: Receiver, tmp_path: Path) -> None:
    files = [dicom_file(tmp_path, number) for number in (1, 2)]
    for _ in range(2):
        assert [answer.Status for answer in send_unchanged(receiver.port, files)] == [0, 0]
    assert len(receiver.data_sets()) == 2
    counts = {"new": 0, "duplicate": 2, "conflicting": 0}
    assert receiver.events("received", 2)[1].data == {**counts, "ending": "released the association", "sent_all": True}


def test_other_bytes_under_the_same_uid_are_kept_apart_and_told(receiver: Receiver, tmp_path: Path) -> None:
    first = dicom_file(tmp_path)
    assert send_unchanged(receiver.port, [first])[0].Status == 0
    other = dicom_file(tmp_path, pixels=b"\1" * 2048)
    assert send_unchanged(receiver.port, [other])[0].Status == 0
    assert len(receiver.data_sets()) == 2
    (event,) = receiver.events("conflicting-instance")
    assert f"{STUDY}.1.1" in event.text
    assert [row.conflicting for row in receiver.instances(2)] == [False, True]


def test_a_truncated_instance_that_has_its_identifiers_is_stored(receiver: Receiver, tmp_path: Path) -> None:
    data_set = encoded(instance())[:-1001]
    path = write_file(tmp_path / "1.dcm", data_set, sop_instance_uid=f"{STUDY}.1.1")
    assert send_unchanged(receiver.port, [path])[0].Status == 0x0000
    assert list(receiver.data_sets().values()) == [data_set]
    assert [row.size for row in receiver.instances(1)] == [len(data_set)]


REFUSED = (
    (b"\x12\x34" * 300, 0xC000, "data set"),
    (encoded(instance())[:60], 0xC000, "Instance"),
    (encoded(instance(StudyInstanceUID="")), 0xC000, "StudyInstanceUID"),
    (encoded(instance(2)), 0xA900, "SOP Instance UID differs"),
    (encoded(instance(SOPClassUID=CTImageStorage)), 0xA900, "SOP Class UID differs"),
)


@pytest.mark.filterwarnings("ignore:Expected explicit VR")
def test_what_cannot_be_understood_is_refused_with_a_reason(receiver: Receiver, tmp_path: Path) -> None:
    files = [
        write_file(tmp_path / f"bad{index}.dcm", data_set, sop_instance_uid=f"{STUDY}.1.1")
        for index, (data_set, _, _) in enumerate(REFUSED)
    ]
    *refused, stored = send_unchanged(receiver.port, [*files, dicom_file(tmp_path, 7)])
    events = receiver.events("instance-refused", len(refused))
    for answer, event, (_, status, comment) in zip(refused, events, REFUSED, strict=True):
        assert answer.Status == status
        assert comment in answer.ErrorComment
        assert f"0x{status:04X}" in event.text
        assert comment in event.text
    assert stored.Status == 0x0000
    assert list(receiver.data_sets()) == [f"{STUDY}.1.7.dcm"]


def test_an_instance_that_cannot_be_indexed_yet_is_safe_and_indexed_later(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.node.receive.storage_scp._TOLD_SECONDS", 0.1)
    path = dicom_file(tmp_path)
    with receiver.database.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE instances RENAME TO gone")
    assert send_unchanged(receiver.port, [path])[0].Status == 0x0000
    assert list(receiver.data_sets()) == [f"{STUDY}.1.1.dcm"]
    with receiver.database.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE gone RENAME TO instances")
    assert [row.sop_instance_uid for row in receiver.instances(1)] == [f"{STUDY}.1.1"]


def test_a_study_is_being_received_while_its_association_is_open(receiver: Receiver, tmp_path: Path) -> None:
    path = dicom_file(tmp_path)
    with association(receiver.port, [(MRImageStorage, ExplicitVRLittleEndian)]) as opened:
        assert not receiver.scp.is_receiving(STUDY)
        assert opened.send_c_store(dcmread(path)).Status == 0
        assert receiver.scp.is_receiving(STUDY)
        assert not receiver.scp.is_receiving("1.2.3")
    until(lambda: not receiver.scp.is_receiving(STUDY))
    assert len(receiver.events("received")) == 1


# The first ten bytes of a P-DATA-TF PDU (PS3.8 section 9.3.5) that says that it has 4000.
PART_OF_PDU = b"\x04\x00\x00\x00\x0f\xa0" + b"\0" * 4


@pytest.mark.parametrize(("end", "told"), [("abort", "aborted the association"), ("cut", "lost the connection")])
def test_an_association_that_breaks_within_an_instance_leaves_nothing_of_it(
    receiver: Receiver, tmp_path: Path, end: str, told: str
) -> None:
    path = dicom_file(tmp_path)
    with association(receiver.port, [(MRImageStorage, ExplicitVRLittleEndian)]) as opened:
        assert opened.send_c_store(dcmread(path)).Status == 0
        if end == "abort":
            opened.abort()
        else:
            opened.dul.socket.socket.sendall(PART_OF_PDU)
            opened.dul.socket.close()
    event = receiver.events("received")[0]
    assert event.text.endswith(told)
    assert event.data["sent_all"] is False
    assert not receiver.scp.is_receiving(STUDY)
    assert list(receiver.data_sets()) == [f"{STUDY}.1.1.dcm"]
    assert list((receiver.spool.folder / "incoming").iterdir()) == []


@pytest.mark.parametrize("silence", [PART_OF_PDU, b""], ids=["within a PDU", "between instances"])
def test_a_silent_peer_counts_as_gone(tmp_path: Path, silence: bytes) -> None:
    path = dicom_file(tmp_path)
    with running_receiver(tmp_path / "node", network_timeout_seconds=0.5) as receiver:
        with association(receiver.port, [(MRImageStorage, ExplicitVRLittleEndian)]) as opened:
            assert opened.send_c_store(dcmread(path)).Status == 0
            opened.dul.socket.socket.sendall(silence)
            until(lambda: not receiver.scp.is_receiving(STUDY))
        assert "1 new instances" in receiver.events("received")[0].text


def test_several_associations_at_once(receiver: Receiver, tmp_path: Path) -> None:
    def send(study: str, folder: Path) -> None:
        folder.mkdir()
        files = [dicom_file(folder, number, study=study) for number in range(1, 9)]
        with association(receiver.port, [(MRImageStorage, ExplicitVRLittleEndian)]) as opened:
            answers.extend(opened.send_c_store(dcmread(path)).Status for path in files)

    answers: list[int] = []
    threads = [threading.Thread(target=send, args=(f"{STUDY}.{index}", tmp_path / f"{index}")) for index in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [0] * 32
    assert len(receiver.instances(32)) == 32
    with receiver.database.read() as session:
        assert len(session.scalars(select(Study)).all()) == 4


def start_process(folder: Path, port: int, *more: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.deploy.node.receiver_process", str(folder), str(port), *more],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "listening\n"
    return process


def big_file(folder: Path) -> Path:
    return dicom_file(folder, 99, pixels=bytes(3_000_000))


def check_full(port: int, tmp_path: Path) -> None:
    small, big, later = dicom_file(tmp_path, 1), big_file(tmp_path), dicom_file(tmp_path, 2)
    answers = send_unchanged(port, [small, big, later])
    assert [answer.Status for answer in answers] == [0x0000, 0xA700, 0x0000]
    assert any(reason in answers[1].ErrorComment for reason in ("No space left", "File too large", "nearly full"))


def test_a_full_disk_is_answered_with_out_of_resources(tmp_path: Path) -> None:
    """A real file system of 2 MB."""
    folder, port = tmp_path / "small", free_port()
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("a file system cannot be mounted here")
    try:
        process = start_process(folder, port)
        try:
            check_full(port, tmp_path)
            assert list((folder / "spool" / "incoming").iterdir()) == []
        finally:
            process.kill()
            process.wait()
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_file_that_becomes_too_large_is_answered_with_out_of_resources(tmp_path: Path) -> None:
    """The kernel's limit of a process's files, for machines where nothing can be mounted."""
    folder, port = tmp_path / "node", free_port()
    process = start_process(folder, port, str(2_000_000))
    try:
        check_full(port, tmp_path)
        assert list((folder / "spool" / "incoming").iterdir()) == []
    finally:
        process.kill()
        process.wait()


def test_a_killed_receiver_has_every_instance_that_it_acknowledged(tmp_path: Path) -> None:
    folder, port = tmp_path / "node", free_port()
    process = start_process(folder, port)
    files = [dicom_file(tmp_path, number, pixels=bytes([number]) * 200_000) for number in range(1, 41)]
    acknowledged: list[Path] = []
    try:
        with association(port, [(MRImageStorage, ExplicitVRLittleEndian)]) as opened:
            for path in files:
                if len(acknowledged) == 15:
                    # In the middle of whatever it is doing with the next one.
                    threading.Timer(0.005, process.kill).start()
                answer = opened.send_c_store(dcmread(path)) if opened.is_established else None
                if answer is None or "Status" not in answer:
                    break
                acknowledged.append(path)
    finally:
        process.kill()
        process.wait()
    assert 15 <= len(acknowledged) < 40

    database, spool = open_database(folder), Spool(folder)
    spool.open()
    reconcile(database, spool)
    assert list((spool.folder / "incoming").iterdir()) == []
    stored = {Path(path).name: spool.read(path) for path in spool.paths()}
    for path in acknowledged:
        image = dcmread(path)
        kept = dcmread(spool.folder / stored[f"{image.SOPInstanceUID}.dcm"].path)
        assert kept.PixelData == image.PixelData
    with database.read() as session:
        rows = {row.path: row for row in session.scalars(select(Instance))}
    assert {path: row.sha256 for path, row in rows.items()} == {each.path: each.sha256 for each in stored.values()}
