"""STOW-RS from outside: what is answered, and what lies in the spool afterwards."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom import dcmread
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000Lossless, MRImageStorage

from tests.deploy.node.sending import STUDY, encoded, instance
from tests.deploy.node.web.served import (
    ELSEWHERE_TOKEN,
    OTHER_TOKEN,
    TOKEN,
    Served,
    dicom_file,
    related,
    served,
)
from tests.waiting import until


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One HTTP side for tests that store studies of their own."""
    with served(tmp_path_factory.mktemp("web"), web={"maximum_request_bytes": 300_000}) as running:
        yield running


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as running:
        yield running


def failures(answer: dict[str, object], tag: str = "00081198") -> list[int]:
    sequence = answer[tag]
    assert isinstance(sequence, dict)
    return [item["00081197"]["Value"][0] for item in sequence["Value"]]


def test_dicomweb_client_stores_a_study(fresh: Served) -> None:
    files = [dcmread(BytesIO(dicom_file(instance(number)))) for number in (1, 2, 3)]
    client = DICOMwebClient(fresh.url, headers={"Authorization": f"Bearer {TOKEN}"})
    answer = client.store_instances(files, STUDY)
    assert [str(item.ReferencedSOPInstanceUID) for item in answer.ReferencedSOPSequence] == [
        f"{STUDY}.1.{number}" for number in (1, 2, 3)
    ]
    assert "FailedSOPSequence" not in answer
    event = fresh.wait_for_event("received")
    assert event.text == "SENDER sent 3 new instances and ended its request"
    assert event.data["sent_all"] is True
    assert event.study_instance_uid == STUDY
    assert len(fresh.files()) == 3
    assert {row.calling_ae_title for row in fresh.instances()} == {"SENDER"}
    assert not fresh.side.is_receiving(STUDY)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, JPEG2000Lossless, DeflatedExplicitVRLittleEndian])
def test_data_sets_are_kept_byte_for_byte(shared: Served, syntax: UID) -> None:
    image = instance(1, study=f"1.2.3.{len(str(syntax))}.{str(syntax)[-2:].strip('.')}", pixels=bytes(range(256)) * 8)
    file = dicom_file(image, syntax)
    answer = shared.post(related([file]))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/dicom+json"
    path = shared.spool.folder / image.StudyInstanceUID / image.SeriesInstanceUID / f"{image.SOPInstanceUID}.dcm"
    content = path.read_bytes()
    assert content.endswith(encoded(image, syntax))
    meta = dcmread(path).file_meta
    assert meta.TransferSyntaxUID == syntax
    assert meta.SendingApplicationEntityTitle == "SENDER"


def test_the_same_instance_is_kept_once_and_another_one_apart(fresh: Served) -> None:
    same, other = dicom_file(instance()), dicom_file(instance(pixels=b"\1" * 2048))
    for file in (same, same, other, other):
        assert fresh.post(related([file])).status_code == 200
    event = fresh.wait_for_event("conflicting-instance")
    assert "SENDER sent another instance" in event.text
    assert len(fresh.files()) == 2


def test_each_instance_has_its_own_result(shared: Served) -> None:
    good = instance(1, study="1.2.4")
    answer = shared.post(
        related(
            [
                dicom_file(good),
                b"no DICOM file",
                dicom_file(instance(2, study="1.2.4"), sop_instance_uid="1.2.4.99"),
                dicom_file(instance(3, study="1.2.4"))[:600],
                dicom_file(instance(4, study="1.2.4")),
            ]
        )
    )
    assert answer.status_code == 202
    result = answer.json()
    stored = [item["00081155"]["Value"][0] for item in result["00081199"]["Value"]]
    assert stored[:1] + stored[-1:] == ["1.2.4.1.1", "1.2.4.1.4"]
    assert failures(result) == [0xA900]
    assert result["00081198"]["Value"][0]["00081155"]["Value"] == ["1.2.4.99"]
    assert result["00081198"]["Value"][0]["00081150"]["Value"] == [MRImageStorage]
    assert failures(result, "0008119A") == [0xC000]
    assert "status 0x" in shared.wait_for_event("instance-refused").text


def test_a_request_for_another_study_stores_nothing(shared: Served) -> None:
    before = shared.files()
    answer = shared.post(related([dicom_file(instance(1, study="1.2.5"))]), "/studies/1.2.6")
    assert answer.status_code == 409
    assert failures(answer.json()) == [0xA900]
    assert shared.files() == before


@pytest.mark.parametrize("uid", ["../../../../escaped", "1.2/3", "..", "1.2.3\\x", "a" * 64, ""])
def test_uids_that_could_be_paths_are_refused(shared: Served, uid: str) -> None:
    before = shared.files()
    image = instance(1, study="1.2.7")
    for file in (
        dicom_file(image, sop_instance_uid=uid),
        dicom_file(instance(1, study="1.2.7", StudyInstanceUID=uid)),
        dicom_file(instance(1, study="1.2.7", SeriesInstanceUID=uid)),
    ):
        answer = shared.post(related([file]))
        assert answer.status_code == 409
        assert "00081199" not in answer.json()
    assert shared.files() == before
    assert not list(shared.spool.folder.parents[1].rglob("escaped*"))


@pytest.mark.parametrize("study", ["..%2f..%2fx", "1..2", "x", "1.2%00"])
def test_a_path_with_no_uid_is_refused(shared: Served, study: str) -> None:
    assert shared.post(related([dicom_file(instance())]), f"/studies/{study}").status_code in (400, 404)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (b"--B--\r\n", {}, 400),
        (b"--B\r\nContent-Type: application/dicom\r\n\r\nnothing more", {}, 400),
        (b"--B\r\nno field\r\n\r\n\r\n--B--", {}, 400),
        (b"{}", {"Content-Type": "application/json"}, 415),
        (b"{}", {"Content-Type": 'multipart/related; type="application/dicom+json"; boundary=B'}, 415),
        (b"--B--", {"Content-Type": "multipart/related"}, 400),
        (b"--B--", {"Accept": "text/html"}, 406),
        (related([b"\0" * 300_000]), {}, 413),
        (related([b"x"], "image/png"), {}, 409),
    ],
)
def test_what_is_no_such_request_is_refused(shared: Served, body: bytes, headers: dict[str, str], status: int) -> None:
    before = shared.files()
    assert shared.post(body, headers=headers).status_code == status
    assert shared.files() == before


def test_a_request_that_does_not_say_how_large_it_is_is_cut_off(shared: Served) -> None:
    before = shared.files()
    file = dicom_file(instance(1, study="1.2.8", pixels=bytes(400_000)))

    def pieces() -> Iterator[bytes]:
        body = related([file])
        for start in range(0, len(body), 50_000):
            yield body[start : start + 50_000]

    assert shared.post(pieces()).status_code == 413
    assert shared.files() == before


@pytest.mark.parametrize(
    ("token", "status", "reason"),
    [
        (None, 401, "web-credentials"),
        ("x" * 32, 401, "web-credentials"),
        ("ü", 401, "web-credentials"),
        (ELSEWHERE_TOKEN, 403, "web-network"),
        (OTHER_TOKEN, 403, "web-permission"),
    ],
)
def test_who_may_not_is_refused_and_recorded(shared: Served, token: str | None, status: int, reason: str) -> None:
    before = shared.files()
    headers = {} if token is None else {"Authorization": f"Bearer {token}".encode()}
    answer = shared.post(related([dicom_file(instance())]), token=None, headers=headers)
    assert answer.status_code == status
    assert ("www-authenticate" in answer.headers) == (status == 401)
    event = shared.wait_for_event("association-rejected", reason=reason)
    assert event.data["address"] == "127.0.0.1"
    assert shared.files() == before


@pytest.mark.parametrize(("token", "status"), [("x" * 32, 401), (TOKEN, 413)])
def test_a_large_request_that_is_refused_still_gets_its_answer(shared: Served, token: str, status: int) -> None:
    assert shared.post(related([bytes(20_000_000)]), token=token).status_code == status


def test_a_token_is_changed_without_a_restart(tmp_path: Path) -> None:
    with served(tmp_path) as running:
        body = related([dicom_file(instance())])
        assert running.post(body).status_code == 200
        new = "another-token-of-enough-characters"
        (tmp_path / "sender.token").unlink()
        assert running.post(body).status_code == 401
        (tmp_path / "sender.token").write_text(new)
        assert running.post(body, token=new).status_code == 200
        assert running.post(body).status_code == 401


def test_without_room_nothing_is_taken_and_the_node_is_not_ready(tmp_path: Path) -> None:
    with served(tmp_path, disk={"reserve_gib": 1e9}) as running:
        assert running.post(related([dicom_file(instance())])).status_code == 507
        assert running.files() == []
        answer = requests.get(f"{running.url}/health/ready", timeout=30)
        assert answer.status_code == 503
        assert list(answer.json()["problems"]) == ["disk"]


def test_a_request_that_breaks_off_leaves_what_is_whole_and_nothing_else(fresh: Served) -> None:
    body = related([dicom_file(instance(1)), dicom_file(instance(2, pixels=bytes(3_000_000)))])
    with socket.create_connection(("127.0.0.1", fresh.port)) as connection:
        connection.sendall(
            b"POST /studies HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + TOKEN.encode() + b"\r\n"
            b'Content-Type: multipart/related; type="application/dicom"; boundary=B\r\n'
            b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body[:-1_000_000]
        )
        until(lambda: fresh.side.is_receiving(STUDY))
    event = fresh.wait_for_event("received")
    assert event.data["sent_all"] is False
    assert event.text == "SENDER sent 1 new instances and broke off its request"
    assert fresh.files() == [f"{STUDY}/{STUDY}.1/{STUDY}.1.1.dcm"]
    assert not fresh.side.is_receiving(STUDY)


def test_a_large_instance_is_not_held_in_memory(fresh: Served) -> None:
    whole = related([dicom_file(instance(pixels=b""))])
    end = whole.rindex(b"\r\n--B--")
    memory = []

    def pieces() -> Iterator[bytes]:
        yield whole[:end]
        for _ in range(100):
            memory.append(int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize())
            yield bytes(1 << 20)
        yield whole[end:]

    assert fresh.post(pieces()).status_code == 200
    assert max(memory) - memory[0] < 40 << 20
    (file,) = fresh.files()
    assert (fresh.spool.folder / file).stat().st_size > 100 << 20


def test_a_silent_sender_is_not_waited_for(tmp_path: Path) -> None:
    with (
        served(tmp_path, receive={"network_timeout_seconds": 0.2}) as running,
        socket.create_connection(("127.0.0.1", running.port)) as connection,
    ):
        connection.settimeout(30)
        connection.sendall(
            b"POST /studies HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + TOKEN.encode() + b"\r\n"
            b"Content-Type: multipart/related; boundary=B\r\nContent-Length: 1000\r\n\r\n--B\r\n"
        )
        assert connection.recv(1000).startswith(b"HTTP/1.1 408 ")
        assert running.files() == []


def test_health_and_metrics_are_for_this_machine(shared: Served) -> None:
    assert "gantry_test 42.0" in requests.get(f"{shared.url}/metrics", timeout=30).text
    ready = requests.get(f"{shared.url}/health", timeout=30)
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "problems": {}})
    assert requests.get(f"{shared.url}/health/live", timeout=30).status_code == 200
    for path in ("/docs", "/openapi.json", "/studies", "/"):
        assert requests.get(f"{shared.url}{path}", timeout=30).status_code in (404, 405)
