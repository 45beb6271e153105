"""The association itself: data sets in fragments of the peer's size, TLS, and peers that answer what is no DICOM."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydicom.uid import MRImageStorage
from pynetdicom import AE, evt
from pynetdicom.sop_class import Verification

from deploy.node.access import server_context
from deploy.node.send import DestinationError, Peer, SentInstance, StorageSender, send_files
from tests.deploy.node.access.certificates import Authority
from tests.deploy.node.sending import STUDY, encoded, instance, write_file
from tests.peers import free_port


@contextmanager
def archive(*, maximum_pdu_size: int = 16382, tls: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[bytes]]]:
    """A storage SCP; yields its port and the data sets that it got, byte for byte."""
    stored: list[bytes] = []

    def store(event: evt.Event) -> int:
        stored.append(event.request.DataSet.getvalue())
        return 0

    entity = AE(ae_title="ARCHIVE")
    entity.maximum_pdu_size = maximum_pdu_size
    entity.add_supported_context(MRImageStorage)
    entity.add_supported_context(Verification)
    port = free_port()
    server = entity.start_server(
        ("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, store)], ssl_context=tls
    )
    try:
        yield port, stored
    finally:
        server.shutdown()


def files(folder: Path, *sizes: int) -> tuple[list[Path], list[bytes]]:
    """Files of so many bytes of pixels, and their data sets."""
    data_sets = [encoded(instance(number, pixels=bytes(size))) for number, size in enumerate(sizes, 1)]
    paths = [
        write_file(folder / f"{number}.dcm", data_set, sop_instance_uid=f"{STUDY}.1.{number}")
        for number, data_set in enumerate(data_sets, 1)
    ]
    return paths, data_sets


@pytest.mark.parametrize("maximum_pdu_size", [0, 128, 4096, 16382, 1_000_000])
def test_every_byte_arrives_in_fragments_of_any_size(tmp_path: Path, maximum_pdu_size: int) -> None:
    # Around the borders of fragments and of what is read at once.
    sizes = (2, 3724, 16_382, 131_072) if maximum_pdu_size == 128 else (2, 16_382, 131_072, 1 << 20, 3_000_000)
    paths, data_sets = files(tmp_path, *sizes)
    with archive(maximum_pdu_size=maximum_pdu_size) as (port, stored):
        sent = send_files(paths, Peer("127.0.0.1", port, "ARCHIVE"))
    assert all(item.delivered for item in sent)
    assert stored == data_sets


def test_sending_goes_on_over_the_association_that_is_open(tmp_path: Path) -> None:
    paths, data_sets = files(tmp_path, 2048, 2048)
    with archive() as (port, stored):
        sender = StorageSender(Peer("127.0.0.1", port, "ARCHIVE"))
        assert sender.echo() == 0
        for path in paths:
            assert [item.delivered for item in sender.send([path])] == [True]
        assert sender.is_open
        sender.close()
        assert not sender.is_open
    assert stored == data_sets


def test_tls_both_ways(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    paths, data_sets = files(tmp_path, 200_000)
    with archive(tls=server_context(authority.issue("archive"))) as (port, stored):
        peer = Peer("127.0.0.1", port, "ARCHIVE", tls=authority.issue("node"))
        assert all(item.delivered for item in send_files(paths, peer))
    assert stored == data_sets


def test_peer_whose_certificate_is_not_trusted_gets_nothing(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    theirs, ours = Authority(tmp_path / "other"), Authority(tmp_path)
    paths, _ = files(tmp_path, 2048)
    with (
        archive(tls=server_context(theirs.issue("archive"))) as (port, stored),
        pytest.raises(DestinationError, match="by TLS"),
    ):
        send_files(paths, Peer("127.0.0.1", port, "ARCHIVE", tls=ours.issue("node")))
    assert stored == []


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A peer that does with its first connection what it is told; yields its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            answer(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        thread.join()
        listener.close()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "sent a PDU of"),
        (b"\x02\x00\x00\x00\x00\x04\x00\x01\x00\x00", "accepts none of MR Image Storage"),
        (b"\x03\x00\x00\x00\x00\x04\x00\x01\x01\x07", "rejected the association: Called AE title not recognised"),
        (b"\x07\x00\x00\x00\x00\x04\x00\x00\x00\x00", "aborted the association"),
        (b"\x04\x00\x00\x00\x00\x00", "PDU type 04"),
        (b"", "ended the connection"),
    ],
)
def test_peer_that_does_not_accept_is_told_by_its_answer(tmp_path: Path, answer: bytes, message: str) -> None:
    paths, _ = files(tmp_path, 2048)

    def respond(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    with answering(respond) as port, pytest.raises(DestinationError, match=message):
        send_files(paths, Peer("127.0.0.1", port, "ARCHIVE"))


def test_hanging_up_ends_a_wait_in_another_thread(tmp_path: Path) -> None:
    paths, _ = files(tmp_path, 2048)
    asked = threading.Event()
    problems: list[str] = []

    def stay_silent(connection: socket.socket) -> None:
        connection.recv(65536)
        asked.set()
        connection.recv(1)

    with answering(stay_silent) as port:
        sender = StorageSender(Peer("127.0.0.1", port, "ARCHIVE"))

        def send() -> None:
            try:
                found: list[SentInstance] = list(sender.send(paths))
                problems.append(str(found))
            except DestinationError as error:
                problems.append(str(error))

        thread = threading.Thread(target=send)
        thread.start()
        assert asked.wait(30)
        sender.hang_up()
        thread.join(30)
    assert len(problems) == 1
    assert "ended the connection" in problems[0]
