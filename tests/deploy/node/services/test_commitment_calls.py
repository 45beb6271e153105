"""Reports on storage commitment to peers that have closed their association."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import socket
import threading
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydicom.dataset import Dataset
from pydicom.uid import MRImageStorage
from sqlalchemy import select

from deploy.node import services
from deploy.node.database import CommitmentRequest
from deploy.node.file_meta import FileMeta
from deploy.node.header import read_header
from deploy.node.services import Command, Services, commitment_reports, commitment_requests, contexts, data_sets
from deploy.node.services.commitment_reports import GIVEN_UP_DAYS, instances_awaiting_report
from deploy.orthanc.server import Orthanc
from tests.deploy.node.archive import Archive
from tests.deploy.node.running_node import RunningNode
from tests.deploy.node.sending import encoded, instance
from tests.deploy.node.services.asking import Node, Requestor, request, running_node, send, stored_node
from tests.peers import free_port
from tests.waiting import until

STUDY = "1.2.826.0.1.3680043.8.498.40"


def keep(node: Node, references: list[tuple[str, str]], **more: Any) -> int:
    """A request that is kept and to be reported by the node, as after the receiver process was killed."""
    now = datetime.now(timezone.utc)
    fields = {
        "transaction_uid": "2.25.1",
        "peer": "scanner",
        "calling_ae_title": "SCANNER",
        "instances": [list(each) for each in references],
        "asked": now,
        "not_before": now,
        **more,
    }
    with node.database.write() as session:
        row = CommitmentRequest(**fields)
        session.add(row)
        session.flush()
        return row.id


def kept(node: Node, number: int) -> CommitmentRequest:
    with node.database.read() as session:
        return session.get_one(CommitmentRequest, number)


def test_a_peer_that_has_released_its_association_is_called(tmp_path: Path, requestor: Requestor) -> None:
    requestor.listen()
    with running_node(tmp_path / "node", host="127.0.0.1", port=requestor.port) as node:
        sent = send(node.port, tmp_path, [1, 2], STUDY)
        number = keep(node, sent)
        assert node.calls.report_due()
        report = requestor.wait_for(1)
        assert report.event_type == 1
        assert report.committed == {uid for _, uid in sent}
        assert kept(node, number).reported is not None
        assert not node.calls.report_due()
        # Several at once go over one association.
        keep(node, sent, transaction_uid="2.25.2")
        keep(node, [(MRImageStorage, "1.2.3")], transaction_uid="2.25.3")
        assert node.calls.report_due()
        assert requestor.wait_for(3).failed == {"1.2.3": 0x0112}
        assert len(node.events("commitment-reported")) == 3


def test_a_peer_that_does_not_answer_success_is_called_again_later(tmp_path: Path, requestor: Requestor) -> None:
    requestor.listen()
    with contextlib.closing(stored_node(tmp_path / "node", host="127.0.0.1", port=requestor.port)) as node:
        number = keep(node, [(MRImageStorage, "1.2.3")])
        requestor.status = 0x0110
        assert node.calls.report_due()
        row = kept(node, number)
        assert (row.reported, row.attempts) == (None, 1)
        assert row.not_before is not None
        assert row.not_before > datetime.now(timezone.utc) + timedelta(seconds=5)
        assert "answered 0x0110" in node.events("commitment-not-reported")[0].text
        requestor.stop()
        due_now(node, number)
        assert node.calls.report_due()
        row = kept(node, number)
        assert row.attempts == 2
        assert row.not_before is not None
        assert row.not_before > datetime.now(timezone.utc) + timedelta(seconds=15)
        assert "cannot be reached" in node.events("commitment-not-reported")[1].text
        with node.database.read() as session:
            assert instances_awaiting_report(session) == {"1.2.3"}
        requestor.status = 0x0000
        requestor.listen()
        due_now(node, number)
        assert node.calls.report_due()
        assert kept(node, number).reported is not None


def due_now(node: Node, number: int, **more: Any) -> None:
    with node.database.write() as session:
        row = session.get_one(CommitmentRequest, number)
        row.not_before = datetime.now(timezone.utc)
        for name, value in more.items():
            setattr(row, name, value)


def test_after_days_an_event_tells_and_the_request_is_kept(tmp_path: Path) -> None:
    with contextlib.closing(stored_node(tmp_path / "node", host="127.0.0.1", port=free_port())) as node:
        asked = datetime.now(timezone.utc) - timedelta(days=GIVEN_UP_DAYS, seconds=1)
        number = keep(node, [(MRImageStorage, "1.2.3")], asked=asked)
        assert node.calls.report_due()
        assert kept(node, number).not_before is None
        assert kept(node, number).reported is None
        assert len(node.events("commitment-report-given-up")) == 1
        assert not node.calls.report_due()
        with node.database.read() as session:
            assert instances_awaiting_report(session) == set()


@pytest.mark.parametrize(("peer", "text"), [("scanner", "has no host and port"), ("somebody", "is no longer a peer")])
def test_a_peer_without_an_address_is_not_called(tmp_path: Path, peer: str, text: str) -> None:
    with contextlib.closing(stored_node(tmp_path / "node")) as node:
        number = keep(node, [(MRImageStorage, "1.2.3")], peer=peer)
        assert node.calls.report_due()
        assert kept(node, number).not_before is None
        assert text in node.events("commitment-report-given-up")[0].text


def test_a_peer_that_closes_its_association_at_once_is_called(tmp_path: Path, requestor: Requestor) -> None:
    """Aborted right behind the request: whichever comes first, the report arrives."""
    requestor.listen()
    with running_node(tmp_path / "node", host="127.0.0.1", port=requestor.port) as node:
        sent = send(node.port, tmp_path, [1], STUDY)
        with requestor.associated(node.port) as opened:
            assert requestor.ask(opened, request(sent)) == 0x0000
            opened.abort()

        def is_reported() -> bool:
            node.calls.report_due()
            with node.database.read() as session:
                return session.scalars(select(CommitmentRequest)).one().reported is not None

        until(is_reported)
        assert requestor.reports[-1].committed == {sent[0][1]}


def die(*_: object, **__: object) -> int:
    """SIGKILL, at this step."""
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def answer_and_report(moment: str, folder: Path, asked: Dataset, told: Any) -> None:
    """What a receiver process does with a request, until it is killed at some moment; ``told`` counts the steps."""
    syntax = contexts.TRANSFER_SYNTAXES[0]
    command: Command = {
        "CommandField": 0x0130,
        "RequestedSOPClassUID": contexts.STORAGE_COMMITMENT,
        "RequestedSOPInstanceUID": contexts.STORAGE_COMMITMENT_INSTANCE,
        "ActionTypeID": 1,
    }
    if moment == "before it is kept":
        vars(commitment_requests)["_keep"] = die
    answer = Services(folder).handle(
        services.Requestor("scanner", "SCANNER"),
        contexts.STORAGE_COMMITMENT,
        syntax,
        command,
        data_sets.encode(asked, syntax),
    )
    if moment == "before the answer":
        die()
    assert (answer.status, answer.comment) == (0, "")
    told.value = 1
    if moment == "before the check":
        vars(commitment_reports)["failure_reasons"] = die

    def send_request(command: Command, data_set: bytes) -> int:
        if moment == "before the report":
            die()
        told.value = 2
        if moment == "before the answer is kept":
            vars(commitment_reports)["keep_answer"] = die
        return 0

    assert answer.afterwards is not None
    answer.afterwards(send_request)


def test_a_node_that_stops_waits_for_no_peer(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with contextlib.closing(stored_node(tmp_path / "node", host="127.0.0.1", port=port)) as node:
            number = keep(node, [(MRImageStorage, "1.2.3")])
            stop = threading.Event()
            thread = threading.Thread(target=node.calls.run, args=(stop,))
            thread.start()
            connection, _ = silent.accept()
            with connection:
                # The request for the association, which is never answered.
                assert connection.recv(1)
                stop.set()
                node.calls.hang_up()
                thread.join(10)
                assert not thread.is_alive()
            assert kept(node, number).attempts == 1


def test_the_node_reports_what_one_that_was_killed_has_left(tmp_path: Path, requestor: Requestor) -> None:
    """The whole node, from outside."""
    requestor.listen()
    with Archive() as archive:
        node = RunningNode(tmp_path, archive)
        content = yaml.safe_load(node.config.read_text())
        content["peers"]["scanner"] = {
            "ae_title": "SCANNER",
            "networks": ["127.0.0.1"],
            "may": ["echo", "store", "commit"],
            "host": "127.0.0.1",
            "port": requestor.port,
        }
        node.config.write_text(yaml.safe_dump(content))
        with node:
            sent = send(node.port, tmp_path, [1], STUDY)
            requestor.status = 0x0110
            with requestor.associated(node.port) as opened:
                assert requestor.ask(opened, request(sent)) == 0x0000
                requestor.wait_for(1)
            node.kill()
            database = node.database()
            with database.write() as session:
                row = session.scalars(select(CommitmentRequest)).one()
                assert row.reported is None
                row.not_before = datetime.now(timezone.utc)
            database.close()
            requestor.status = 0x0000
            node.start()
            assert requestor.wait_for(2) == requestor.reports[0]
            assert node.stop() == 0


# How far the process came (1: answered, 2: reported), and how many reports the peer gets in all.
MOMENTS = {
    "before it is kept": (0, 0),
    "before the answer": (0, 1),
    "before the check": (1, 1),
    "before the report": (1, 1),
    "before the answer is kept": (2, 2),
    "after all": (2, 1),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_receiver_process_killed_between_two_steps_loses_no_request_that_it_has_answered(
    tmp_path: Path, requestor: Requestor, moment: str
) -> None:
    progress, reports = MOMENTS[moment]
    node = stored_node(tmp_path / "node", host="127.0.0.1", port=requestor.port)
    image = instance(1, study=STUDY)
    data_set = encoded(image)
    meta = FileMeta(image.SOPClassUID, image.SOPInstanceUID, contexts.TRANSFER_SYNTAXES[0], "SCANNER", "GANTRY")
    node.spool.store(data_set, read_header(data_set, contexts.TRANSFER_SYNTAXES[0]), meta)
    # Forked, as everything is imported here already.
    process_kind = multiprocessing.get_context("fork")
    told = process_kind.Value("i", 0)
    asked = request([(image.SOPClassUID, image.SOPInstanceUID)])
    process = process_kind.Process(target=answer_and_report, args=(moment, node.config.data_folder, asked, told))
    process.start()
    process.join(60)
    assert process.exitcode == (0 if moment == "after all" else -signal.SIGKILL)
    assert told.value == progress
    requestor.listen()
    # Its process may still be at it, until the node itself has been away.
    assert not node.calls.report_due()
    node.calls.take_up()
    while node.calls.report_due():
        pass
    assert (progress == 2) + len(requestor.reports) == reports
    assert all(report.committed == {image.SOPInstanceUID} for report in requestor.reports)
    with node.database.read() as session:
        rows = session.scalars(select(CommitmentRequest)).all()
    assert all(row.reported is not None for row in rows)
    assert bool(rows) is (reports > 0)
    node.database.close()


def test_orthanc_asks_and_takes_the_report(tmp_path: Path, orthanc: Orthanc) -> None:
    """Orthanc asks, closes its association at once, and is called."""
    with running_node(tmp_path / "node", ae_title="*", host="127.0.0.1", port=orthanc.port) as node:
        sent = send(node.port, tmp_path, [1], STUDY)
        answer = ask_by_orthanc(orthanc, node, [*sent, (MRImageStorage, "1.2.3")])
        until(lambda: node.calls.report_due() or outcome(orthanc, answer)["Status"] != "Pending")
        found = outcome(orthanc, answer)
    assert found["Status"] == "Failure"
    assert [each["SOPInstanceUID"] for each in found["Success"]] == [sent[0][1]]
    assert [(each["SOPInstanceUID"], each["FailureReason"]) for each in found["Failures"]] == [("1.2.3", 0x0112)]


def ask_by_orthanc(orthanc: Orthanc, node: Node, references: list[tuple[str, str]]) -> dict[str, Any]:
    called = {"AET": "GANTRY", "Host": "127.0.0.1", "Port": node.port, "LocalAet": orthanc.ae_title}
    call(orthanc, "PUT", "/modalities/gantry", called)
    asked = {"DicomInstances": [{"SOPClassUID": first, "SOPInstanceUID": second} for first, second in references]}
    answer: dict[str, Any] = call(orthanc, "POST", "/modalities/gantry/storage-commitment", asked)
    return answer


def outcome(orthanc: Orthanc, answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = call(orthanc, "GET", answer["Path"], None)
    return found


def call(orthanc: Orthanc, method: str, path: str, body: object) -> Any:
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(f"http://{orthanc.host}:{orthanc.http_port}{path}", data, method=method)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=30) as response:
        content = response.read()
    return json.loads(content) if content else None
