"""STOW-RS against Orthanc's DICOMweb service, and against services that refuse."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.uid import ImplicitVRLittleEndian, JPEGBaseline8Bit

from deploy.node.send import DestinationError, WebPeer, WebSender
from deploy.orthanc.server import DICOM_WEB_PLUGIN, find_orthanc, running_orthanc
from tests.deploy.node.sending import STUDY, encoded, instance, write_file
from tests.peers import free_port

Answer = Callable[[BaseHTTPRequestHandler, bytes], tuple[int, dict[str, str], bytes]]


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return [
        write_file(tmp_path / f"{number}.dcm", encoded(instance(number)), sop_instance_uid=f"{STUDY}.1.{number}")
        for number in (1, 2, 3)
    ]


@contextmanager
def service(answer: Answer) -> Iterator[str]:
    """A DICOMweb service that answers as it is told; yields its root."""

    class Handler(BaseHTTPRequestHandler):
        def _respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, content = answer(self, body)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET = _respond  # noqa: N815

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/dicom-web/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def stored(*numbers: int, warning: int | None = None) -> dict[str, object]:
    items = []
    for number in numbers:
        item = {"00081155": {"vr": "UI", "Value": [f"{STUDY}.1.{number}"]}}
        if warning is not None:
            item["00081196"] = {"vr": "US", "Value": [warning]}  # type: ignore[list-item]
        items.append(item)
    return {"00081199": {"vr": "SQ", "Value": items}}


def failed(reasons: dict[int, int]) -> dict[str, object]:
    items = [
        {
            "00081155": {"vr": "UI", "Value": [f"{STUDY}.1.{number}"]},
            "00081197": {"vr": "US", "Value": [reason]},
        }
        for number, reason in reasons.items()
    ]
    return {"00081198": {"vr": "SQ", "Value": items}}


@pytest.mark.peer
def test_orthanc_has_every_byte_as_it_was_sent(paths: list[Path], tmp_path: Path) -> None:
    if find_orthanc() is None or not DICOM_WEB_PLUGIN.is_file():
        pytest.skip("Orthanc with its DICOMweb plugin is not installed")
    implicit = write_file(
        tmp_path / "implicit.dcm",
        encoded(instance(4), ImplicitVRLittleEndian),
        sop_instance_uid=f"{STUDY}.1.4",
        transfer_syntax=ImplicitVRLittleEndian,
    )
    compressed = write_file(
        tmp_path / "compressed.dcm",
        encoded(instance(5), JPEGBaseline8Bit),
        sop_instance_uid=f"{STUDY}.1.5",
        transfer_syntax=JPEGBaseline8Bit,
    )
    every = [*paths, implicit, compressed]
    with running_orthanc(tmp_path / "orthanc", dicom_web=True) as orthanc:
        sender = WebSender(WebPeer(orthanc.dicom_web_url))
        assert sender.echo() == 0
        # Twice: what is there already is no failure.
        for _ in range(2):
            sent = list(sender.send(every))
            assert [item.path for item in sent] == every
            assert all(item.delivered for item in sent), sent
        instances = orthanc.instances(STUDY)
        assert len(instances) == len(every)
        by_uid = {item.sop_instance_uid: orthanc.fetch(item.key) for item in instances}
    for path in every:
        original = dcmread(path)
        received = dcmread(DicomBytesIO(by_uid[str(original.SOPInstanceUID)]))
        assert received == original
        assert received.file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID


def test_each_instance_has_its_own_answer(paths: list[Path]) -> None:
    requests = []

    def answer(request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict[str, str], bytes]:
        requests.append((request.path, request.headers["Content-Type"], body))
        content = {**stored(1, warning=0xB000), **failed({2: 0xA900, 3: 0xA700})}
        return 202, {"Content-Type": "application/dicom+json"}, json.dumps(content).encode()

    with service(answer) as url:
        sent = list(WebSender(WebPeer(url)).send(paths))
    assert [(item.delivered, item.status) for item in sent] == [(True, 0xB000), (False, 0xA900), (False, 0xA700)]
    assert [item.out_of_resources for item in sent] == [False, False, True]
    ((path, kind, body),) = requests
    assert path == "/dicom-web/studies"
    assert kind.startswith('multipart/related; type="application/dicom"; boundary=')
    assert all(file.read_bytes() in body for file in paths)


def test_conflict_without_a_word_about_an_instance_is_no_delivery(paths: list[Path]) -> None:
    with service(lambda request, body: (409, {}, json.dumps(failed({1: 0x0110})).encode())) as url:
        sent = list(WebSender(WebPeer(url)).send(paths))
    assert [item.status for item in sent] == [0x0110, None, None]
    assert not any(item.delivered for item in sent)


@pytest.mark.parametrize("body", [b"", b"<html/>", b"{}", b"[]", b'{"00081199": {"vr": "SQ"}}'])
def test_success_that_does_not_name_an_instance_is_no_delivery(paths: list[Path], body: bytes) -> None:
    with service(lambda request, _: (200, {}, body)) as url:
        assert not any(item.delivered for item in WebSender(WebPeer(url)).send(paths))


def test_what_is_refused_together_is_sent_one_by_one(paths: list[Path]) -> None:
    bad = paths[1].read_bytes()

    def answer(request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict[str, str], bytes]:
        return (415, {}, b"") if bad in body else (200, {}, json.dumps(stored(1, 2, 3)).encode())

    with service(answer) as url:
        sent = list(WebSender(WebPeer(url)).send(paths))
    assert [item.delivered for item in sent] == [True, False, True]
    assert sent[1].meaning == "HTTP 415 Unsupported Media Type"


@pytest.mark.parametrize(("status", "header", "wait"), [(503, "120", 120.0), (429, "7", 7.0), (500, None, None)])
def test_service_that_is_busy_says_when_to_come_back(
    paths: list[Path], status: int, header: str | None, wait: float | None
) -> None:
    headers = {"Retry-After": header} if header else {}
    with service(lambda request, body: (status, headers, b"")) as url, pytest.raises(DestinationError) as caught:
        list(WebSender(WebPeer(url)).send(paths))
    assert caught.value.retry_after == wait
    assert f"HTTP {status}" in str(caught.value)


def test_token_is_read_from_its_file_each_time(paths: list[Path], tmp_path: Path) -> None:
    token = tmp_path / "token"
    seen = []

    def answer(request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict[str, str], bytes]:
        seen.append(request.headers["Authorization"])
        return (200 if seen[-1] == "Bearer second" else 401), {}, json.dumps(stored(1, 2, 3)).encode()

    with service(answer) as url:
        sender = WebSender(WebPeer(url, token))
        with pytest.raises(DestinationError, match="token"):
            list(sender.send(paths))
        token.write_text("first\n")
        with pytest.raises(DestinationError, match="HTTP 401"):
            list(sender.send(paths))
        token.write_text("second\n")
        assert sender.echo() == 0
        assert all(item.delivered for item in sender.send(paths))


def test_service_that_is_not_there_cannot_be_reached(paths: list[Path]) -> None:
    sender = WebSender(WebPeer(f"http://127.0.0.1:{free_port()}/dicom-web"))
    with pytest.raises(DestinationError, match="cannot be reached"):
        list(sender.send(paths))
    with pytest.raises(DestinationError, match="cannot be reached"):
        sender.echo()


def test_file_that_is_not_dicom_does_not_stop_the_others(paths: list[Path], tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("not DICOM")
    with service(lambda request, body: (200, {}, json.dumps(stored(1, 2, 3)).encode())) as url:
        sent = {item.path: item.delivered for item in WebSender(WebPeer(url)).send([tmp_path / "note.txt", *paths])}
    assert sent == {tmp_path / "note.txt": False, **dict.fromkeys(paths, True)}
