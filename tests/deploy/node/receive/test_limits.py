"""What a peer may not do, over real sockets: byte for byte where no library would send such a thing."""

from __future__ import annotations

import os
import signal
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage
from pynetdicom import AE
from pynetdicom.sop_class import Verification

from deploy.node.receive.commands import C_STORE, encode_command
from deploy.node.receive.upper_layer import encode_message
from tests.deploy.node.sending import STUDY, association, encoded, instance, send_unchanged
from tests.deploy.node.test_receive import Receiver, dicom_file, running_receiver
from tests.reliability.upper_layer import Proposal, associate_request
from tests.waiting import until

ABORT = 7
CONTEXTS = [(MRImageStorage, ExplicitVRLittleEndian)]


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """One for all tests here: none may harm the next one's."""
    limits = {"maximum_pdu_size": 16384, "maximum_instance_bytes": 100_000, "network_timeout_seconds": 5.0}
    with running_receiver(tmp_path_factory.mktemp("limits"), **limits) as running:
        yield running
        assert list((running.spool.folder / "incoming").iterdir()) == []


@pytest.fixture(autouse=True)
def _still_answers(receiver: Receiver) -> Iterator[None]:
    yield
    with association(receiver.port, [(Verification, ExplicitVRLittleEndian)]) as opened:
        assert opened.send_c_echo().Status == 0x0000
    until(lambda: receiver.scp.open_associations == 0)


def answer_to(port: int, *content: bytes) -> bytes:
    """What comes back until the receiver closes."""
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        for each in content:
            connection.sendall(each)
        found = b""
        while more := connection.recv(4096):
            found += more
        return found


def abort_reason(answer: bytes) -> int:
    kind, length, source, reason = struct.unpack(">BxIxxBB", answer[-10:])
    assert (kind, length, source) == (ABORT, 4, 2)
    return int(reason)


def rejection(port: int, *, called: bytes = b"GANTRY") -> tuple[int, ...]:
    """Result, source and reason of the A-ASSOCIATE-RJ PDU: pynetdicom as requestor sometimes takes it for an abort."""
    request = associate_request((Proposal(1, Verification, (ExplicitVRLittleEndian,)),))
    answer = answer_to(port, request.replace(b"GANTRY".ljust(16), called.ljust(16)))
    assert answer[0] == 3, answer
    return struct.unpack(">xBBB", answer[6:10])


GARBAGE = {
    "no PDU": (b"GET / HTTP/1.1\r\n\r\n" + b"x" * 100, 1),
    "unknown type": (struct.pack(">BxI", 0x77, 4) + bytes(4), 1),
    "data before the request": (struct.pack(">BxI", 4, 4) + bytes(4), 2),
    "an answer to nothing": (struct.pack(">BxI", 2, 4) + bytes(4), 2),
    "a request of 2 GiB": (struct.pack(">BxI", 1, 1 << 31), 6),
    "a request of zeros": (struct.pack(">BxI", 1, 200) + bytes(200), 6),
    "a request of noise": (struct.pack(">BxI", 1, 4096) + bytes(range(256)) * 16, 6),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_aborted_with_a_reason_and_told(receiver: Receiver, name: str) -> None:
    content, reason = GARBAGE[name]
    assert abort_reason(answer_to(receiver.port, content)) == reason
    until(lambda: receiver.rejections.by_reason().get("protocol", 0) > 0)


COMMAND = encode_command(
    {
        "CommandField": C_STORE,
        "MessageID": 1,
        "Priority": 0,
        "CommandDataSetType": 0,
        "AffectedSOPClassUID": MRImageStorage,
        "AffectedSOPInstanceUID": f"{STUDY}.1.1",
    }
)

BROKEN = {
    "longer than was offered": struct.pack(">BxI", 4, 16385),
    "item of no length": struct.pack(">BxII", 4, 4, 0),
    "item longer than the PDU": struct.pack(">BxIIBB", 4, 6, 1000, 1, 3),
    "another presentation context": encode_message(77, COMMAND, b"", 0),
    "data without a command": struct.pack(">BxIIBB", 4, 6, 2, 1, 0),
    "a command before the data": encode_message(1, COMMAND, b"", 0) * 2,
    "a command that ends early": encode_message(1, COMMAND[:-5], b"", 0),
    "a command of another group": encode_message(1, b"\x08\x00" + COMMAND[2:], b"", 0),
    "a command without end": (struct.pack(">BxIIBB", 4, 8006, 8002, 1, 1) + bytes(8000)) * 3,
    "a second request": struct.pack(">BxI", 1, 4) + bytes(4),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_breaks_the_protocol_within_an_association_is_aborted(receiver: Receiver, name: str) -> None:
    with association(receiver.port, CONTEXTS) as opened:
        opened.dul.socket.socket.sendall(BROKEN[name])
        until(lambda: opened.is_aborted)


def test_an_instance_that_is_too_large_is_refused_and_the_next_one_is_stored(
    receiver: Receiver, tmp_path: Path
) -> None:
    files = [dicom_file(tmp_path, 1, pixels=bytes(200_000)), dicom_file(tmp_path, 2)]
    large, small = send_unchanged(receiver.port, files)
    assert (large.Status, small.Status) == (0xA700, 0x0000)
    assert "maximum_instance_bytes" in large.ErrorComment


def test_an_instance_in_the_smallest_fragments_is_stored(receiver: Receiver) -> None:
    data_set = encoded(instance(3))
    message = encode_message(1, COMMAND.replace(b"498.1.1.1", b"498.1.1.3"), data_set, 20)
    with association(receiver.port, CONTEXTS) as opened:
        opened.dul.socket.socket.sendall(message)
        until(lambda: f"{STUDY}.1.3.dcm" in receiver.data_sets())
    assert receiver.data_sets()[f"{STUDY}.1.3.dcm"] == data_set


def test_a_connection_that_says_nothing_or_too_little_is_closed(receiver: Receiver) -> None:
    begin = time.monotonic()
    answer_to(receiver.port, struct.pack(">BxI", 1, 1000))
    assert time.monotonic() - begin < 30


def test_many_connections_that_stall_keep_nobody_out(receiver: Receiver) -> None:
    stalled = [socket.create_connection(("127.0.0.1", receiver.port)) for _ in range(80)]
    with association(receiver.port, [(Verification, ExplicitVRLittleEndian)]) as opened:
        assert opened.send_c_echo().Status == 0x0000
    for connection in stalled:
        connection.close()


def test_no_more_associations_than_allowed_over_all_processes(tmp_path: Path) -> None:
    with running_receiver(tmp_path / "node", maximum_associations=3, processes=2) as receiver:
        entity = AE(ae_title="SCANNER")
        entity.add_requested_context(Verification)
        opened = [entity.associate("127.0.0.1", receiver.port, ae_title="GANTRY") for _ in range(3)]
        assert [each.is_established for each in opened] == [True] * 3
        # Rejected-transient, by the presentation-related provider: local-limit-exceeded.
        assert [rejection(receiver.port) for _ in range(2)] == [(2, 3, 2)] * 2
        for each in opened[:3]:
            each.release()
        until(lambda: entity.associate("127.0.0.1", receiver.port, ae_title="GANTRY").is_established)
        until(lambda: receiver.rejections.by_reason().get("associations", 0) >= 2)


def test_an_association_that_never_ends_is_aborted(tmp_path: Path) -> None:
    with running_receiver(tmp_path / "node", maximum_association_seconds=1.0) as receiver:
        path = dicom_file(tmp_path)
        with association(receiver.port, CONTEXTS) as opened:
            for _ in range(1000):
                if not opened.is_established:
                    break
                answer = opened.send_c_store(dcmread(path))
                assert answer.get("Status", 0) == 0
                time.sleep(0.02)
            assert opened.is_aborted
        assert "took too long" in receiver.events("received")[0].text


def test_no_association_while_the_disk_is_nearly_full(tmp_path: Path) -> None:
    with running_receiver(tmp_path / "node", reserve_gib=1e6) as receiver:
        # Rejected-transient, by the presentation-related provider: temporary-congestion.
        assert rejection(receiver.port) == (2, 3, 1)
        until(lambda: receiver.rejections.by_reason() == {"disk": 1})


def test_a_caller_who_is_not_listed_is_rejected_and_told(receiver: Receiver) -> None:
    assert rejection(receiver.port, called=b"SOMEBODY") == (1, 1, 7)
    until(lambda: receiver.rejections.by_reason().get("called-ae-title") == 1)


def children(process: int) -> list[int]:
    return [
        int(child) for task in Path(f"/proc/{process}/task").glob("*/children") for child in task.read_text().split()
    ]


def test_a_receiver_that_is_killed_is_started_anew_and_what_it_had_is_kept(tmp_path: Path) -> None:
    before = set(children(os.getpid()))
    with running_receiver(tmp_path / "node") as receiver:
        files = [dicom_file(tmp_path, number) for number in (1, 2)]
        with association(receiver.port, CONTEXTS) as opened:
            assert opened.send_c_store(dcmread(files[0])).Status == 0
            until(lambda: receiver.scp.is_running)
            (child,) = set(children(os.getpid())) - before
            os.kill(child, signal.SIGKILL)
            # Until another process accepts, the node says that nobody is there to receive.
            until(lambda: not receiver.scp.is_running)
            until(lambda: not opened.is_established)
        assert "its receiver process ended" in receiver.events("received")[0].text
        assert not receiver.scp.is_receiving(STUDY)
        assert [answer.Status for answer in send_unchanged(receiver.port, files)] == [0, 0]
        until(lambda: receiver.scp.is_running)
        assert [row.sop_instance_uid for row in receiver.instances(2)] == [f"{STUDY}.1.1", f"{STUDY}.1.2"]
