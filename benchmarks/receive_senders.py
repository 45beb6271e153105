"""Senders of instances: one that is never the limit, and DCMTK's programs."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    MaximumLengthNotification,
)
from pynetdicom.presentation import build_context

from deploy.node import file_meta
from deploy.node.file_meta import FileMeta
from deploy.node.receive.commands import C_STORE, encode_command
from operators.implementation import IMPLEMENTATION_CLASS_UID

_ROOT = "1.2.826.0.1.3680043.8.498.77"
_CONTEXT = 1
_DATA_SET_FOLLOWS = 1

Instances = list[tuple[str, bytes]]
"""SOP Instance UID and encoded data set of each."""


def make_instances(count: int, size: int, *, share: int, run: int) -> Instances:
    """Return ``count`` CT instances of about ``size`` bytes each, of a study of their own."""
    study = f"{_ROOT}.{run}.{share}"
    mark = f"{study}.1.{0:06d}".replace("000000", "999999")
    image = Dataset()
    image.SpecificCharacterSet = "ISO_IR 100"
    image.SOPClassUID = CTImageStorage
    image.SOPInstanceUID = mark
    image.StudyDate = "20260105"
    image.Modality = "CT"
    image.AccessionNumber = "A1"
    image.PatientName = "Load^Test"
    image.PatientID = "P1"
    image.StudyInstanceUID = study
    image.SeriesInstanceUID = f"{study}.1"
    image.InstanceNumber = 1
    image.Rows, image.Columns = size // 1024, 512
    image.BitsAllocated = image.BitsStored = 16
    image.PixelData = os.urandom(size // 1024 * 1024)
    image["PixelData"].VR = "OW"
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = False, True
    write_dataset(buffer, image)
    template = buffer.getvalue()
    uids = [f"{study}.1.{number:06d}".replace(".1.0", ".1.1") for number in range(count)]
    return [(uid, template.replace(mark.encode(), uid.encode())) for uid in uids]


def write_files(instances: Instances, folder: Path) -> None:
    """Write instances as files for DCMTK's programs."""
    folder.mkdir(parents=True)
    for number, (uid, data_set) in enumerate(instances):
        meta = FileMeta(CTImageStorage, uid, ExplicitVRLittleEndian, "BENCH", "BENCH")
        (folder / f"{number:06d}.dcm").write_bytes(file_meta.encode(meta) + data_set)


def send_fast(port: int, shares: Sequence[Instances]) -> None:
    """Send each share over an association of its own, from a process of its own, with blocking sockets."""
    _at_once([lambda share=share: _associate_and_send(port, share) for share in shares])  # type: ignore[misc]


def send_raw(port: int, shares: Sequence[Instances]) -> None:
    """Send each share over a plain TCP connection: length, bytes, and one byte back for each."""
    _at_once([lambda share=share: _copy(port, share) for share in shares])  # type: ignore[misc]


def send_with(program: Sequence[str], port: int, folders: Sequence[Path]) -> None:
    """Run one of DCMTK's programs for each folder at once."""
    running = [
        subprocess.Popen([*program, "-aec", "BENCH", "127.0.0.1", str(port), str(folder)], stdout=subprocess.DEVNULL)
        for folder in folders
    ]
    if sum(abs(process.wait()) for process in running):
        raise RuntimeError(f"{program[0]} failed")


def _at_once(calls: Sequence[Callable[[], None]]) -> None:
    children = []
    for call in calls:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                call()
                status = 0
            except Exception:
                traceback.print_exc()
            finally:
                os._exit(status)
        children.append(child)
    failed = [child for child in children if os.waitpid(child, 0)[1]]
    if failed:
        raise RuntimeError(f"{len(failed)} senders failed")


def _copy(port: int, instances: Instances) -> None:
    with _connected(port) as connection:
        for _, content in instances:
            _send_all(connection, [struct.pack(">I", len(content)), content])
            if not connection.recv(1):
                raise ConnectionError("the server has gone")


def _connected(port: int) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.connect(("127.0.0.1", port))
    return connection


@dataclass
class _Association:
    connection: socket.socket
    maximum: int


def _associate_and_send(port: int, instances: Instances) -> None:
    with _connected(port) as connection:
        association = _Association(connection, _associate(connection))
        for number, (uid, data_set) in enumerate(instances):
            _store(association, number % 0xFFFF + 1, uid, data_set)
        connection.sendall(struct.pack(">BxI4x", 5, 4))
        _read_pdu(connection)


def _associate(connection: socket.socket) -> int:
    primitive = A_ASSOCIATE()
    primitive.application_context_name = "1.2.840.10008.3.1.1.1"
    primitive.calling_ae_title, primitive.called_ae_title = "BENCH", "BENCH"
    context = build_context(CTImageStorage, ExplicitVRLittleEndian)
    context.context_id = _CONTEXT
    primitive.presentation_context_definition_list = [context]
    length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    length.maximum_length_received = 16384
    implementation.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    primitive.user_information = [length, implementation]
    request = A_ASSOCIATE_RQ()
    request.from_primitive(primitive)
    connection.sendall(request.encode())
    answer = A_ASSOCIATE_AC()
    answer.decode(_read_pdu(connection))
    return answer.to_primitive().maximum_length_received or 1 << 17


def _store(association: _Association, number: int, uid: str, data_set: bytes) -> None:
    command = encode_command(
        {
            "CommandField": C_STORE,
            "MessageID": number,
            "Priority": 0,
            "CommandDataSetType": _DATA_SET_FOLLOWS,
            "AffectedSOPClassUID": CTImageStorage,
            "AffectedSOPInstanceUID": uid,
        }
    )
    parts: list[bytes | memoryview] = [
        struct.pack(">BxIIBB", 4, len(command) + 6, len(command) + 2, _CONTEXT, 3),
        command,
    ]
    view, largest = memoryview(data_set), association.maximum - 6
    for start in range(0, len(view), largest):
        fragment = view[start : start + largest]
        last = 2 if start + largest >= len(view) else 0
        parts += [struct.pack(">BxIIBB", 4, len(fragment) + 6, len(fragment) + 2, _CONTEXT, last), fragment]
    _send_all(association.connection, parts)
    answer = _read_pdu(association.connection)
    status = answer.rfind(b"\0\0\0\x09\x02\0\0\0")
    if answer[status + 8 : status + 10] != b"\0\0":
        raise RuntimeError(f"not stored: {answer!r}")


def _send_all(connection: socket.socket, parts: list[bytes | memoryview]) -> None:
    # At most IOV_MAX parts at a time.
    for start in range(0, len(parts), 512):
        some = parts[start : start + 512]
        sent = connection.sendmsg(some)
        if sent < sum(map(len, some)):
            connection.sendall(b"".join(some)[sent:])


def _read_pdu(connection: socket.socket) -> bytes:
    content = b""
    while len(content) < 6 or len(content) < 6 + struct.unpack(">I", content[2:6])[0]:
        # Some answer in two parts, and wait between them for an acknowledgement that the kernel would delay by 40 ms.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        more = connection.recv(1 << 16)
        if not more:
            raise ConnectionError("the server has gone")
        content += more
    return content
