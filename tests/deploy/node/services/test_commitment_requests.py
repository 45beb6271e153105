"""Storage commitment over the network: what is asked, answered and reported on the same association."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, MRImageStorage
from sqlalchemy import select

from deploy.node.config import Permission
from deploy.node.database import CommitmentRequest
from deploy.node.file_meta import FileMeta
from deploy.node.header import read_header
from deploy.node.services import Command, Services, contexts, data_sets
from deploy.node.services import Requestor as Asking
from deploy.node.services.commitment_reports import instances_awaiting_report
from tests.deploy.node.sending import encoded, instance
from tests.deploy.node.services.asking import Node, Report, Requestor, reference, request, running_node, send
from tests.waiting import until

STUDY = "1.2.826.0.1.3680043.8.498.30"


def kept(node: Node, transaction: str) -> CommitmentRequest | None:
    with node.database.read() as session:
        query = select(CommitmentRequest).where(CommitmentRequest.transaction_uid == transaction)
        return session.scalars(query).one_or_none()


def test_what_is_safe_is_reported_on_the_same_association(node: Node, requestor: Requestor, tmp_path: Path) -> None:
    sent = send(node.port, tmp_path, [1, 2, 3], f"{STUDY}.1")
    with requestor.associated(node.port) as opened:
        assert requestor.ask(opened, request(sent, "2.25.1")) == 0x0000
        report = requestor.wait_for(1)
    assert report == Report(1, "2.25.1", frozenset(uid for _, uid in sent), {})
    wait_until_reported(node, "2.25.1")
    assert len([event for event in node.events("commitment-reported") if "2.25.1)" in event.text]) == 1


def wait_until_reported(node: Node, transaction: str) -> None:
    """The peer has its report a moment before this is written down."""

    def is_reported() -> bool:
        found = kept(node, transaction)
        return found is not None and found.reported is not None and found.not_before is None

    until(is_reported)


def test_what_is_not_there_or_of_another_class_fails_with_its_reason(
    node: Node, requestor: Requestor, tmp_path: Path
) -> None:
    ((_, there),) = send(node.port, tmp_path, [1], f"{STUDY}.2")
    asked = [(MRImageStorage, there), (MRImageStorage, "1.2.3.4"), (CTImageStorage, there)]
    with requestor.associated(node.port) as opened:
        assert requestor.ask(opened, request(asked, "2.25.2")) == 0x0000
        report = requestor.wait_for(1)
    assert report.event_type == 2
    assert report.committed == {there}
    assert report.failed == {"1.2.3.4": 0x0112, there: 0x0119}


def test_a_request_that_is_sent_again_is_reported_again(node: Node, requestor: Requestor, tmp_path: Path) -> None:
    sent = send(node.port, tmp_path, [1], f"{STUDY}.3")
    with requestor.associated(node.port) as opened:
        for count in (1, 2):
            assert requestor.ask(opened, request(sent, "2.25.3")) == 0x0000
            requestor.wait_for(count)
        other = request([(MRImageStorage, "1.2.3")], "2.25.3")
        assert requestor.ask(opened, other) == 0x0115
    assert requestor.reports[0] == requestor.reports[1]


def malformed() -> dict[str, tuple[Dataset | None, dict[str, object], int]]:
    good = request([(MRImageStorage, "1.2.3")], "2.25.4")
    empty, no_uid, path, two = request([], "2.25.4"), request([("", "")], "2.25.4"), Dataset(), Dataset()
    path.TransactionUID = "2.25.4"
    path.ReferencedSOPSequence = [reference(MRImageStorage, "../../etc")]
    two.TransactionUID = ["2.25.4", "2.25.5"]
    return {
        "another action": (good, {"action_type": 2}, 0x0123),
        "another instance": (good, {"instance_uid": "1.2.3"}, 0x0112),
        "no transaction": (request([(MRImageStorage, "1.2.3")], None), {}, 0x0120),
        "empty transaction": (request([(MRImageStorage, "1.2.3")], ""), {}, 0x0121),
        "two transactions": (two, {}, 0x0115),
        "no references": (empty, {}, 0x0120),
        "a reference without UIDs": (no_uid, {}, 0x0121),
        "a path for a UID": (path, {}, 0x0115),
        "no data set": (None, {}, 0x0120),
    }


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
@pytest.mark.parametrize(
    "case",
    [
        "another action",
        "another instance",
        "no transaction",
        "empty transaction",
        "two transactions",
        "no references",
        "a reference without UIDs",
        "a path for a UID",
        "no data set",
    ],
)
def test_malformed_requests_have_their_status_and_leave_nothing(node: Node, requestor: Requestor, case: str) -> None:
    asked, more, status = malformed()[case]
    before = len(node.events("service-refused"))
    with requestor.associated(node.port) as opened:
        assert requestor.ask(opened, asked, **more) == status
        # The association goes on.
        assert requestor.ask(opened, request([(MRImageStorage, "1.2.3")], "2.25.99")) == 0x0000
    assert kept(node, "2.25.4") is None
    assert len(node.events("service-refused")) == before + 1


def test_too_many_references_are_refused(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_sets, "MAXIMUM_REFERENCES", 3)
    services = Services(node.config.data_folder)
    command: Command = {
        "CommandField": 0x0130,
        "RequestedSOPClassUID": contexts.STORAGE_COMMITMENT,
        "RequestedSOPInstanceUID": contexts.STORAGE_COMMITMENT_INSTANCE,
        "ActionTypeID": 1,
    }
    syntax = contexts.TRANSFER_SYNTAXES[0]
    for count, status in ((3, 0x0000), (4, 0x0213)):
        asked = request([(MRImageStorage, f"1.2.3.{number}") for number in range(count)], f"2.25.50{count}")
        answer = services.handle(
            Asking("scanner", "SCANNER"), contexts.STORAGE_COMMITMENT, syntax, command, data_sets.encode(asked, syntax)
        )
        assert answer.status == status
    services.close()


def test_who_may_not_ask_gets_no_presentation_context(tmp_path: Path, requestor: Requestor) -> None:
    may = frozenset({Permission.ECHO, Permission.STORE, Permission.REPORT})
    with running_node(tmp_path / "node", may=may) as node, pytest.raises(AssertionError):
        requestor.associated(node.port).__enter__()


def test_an_instance_is_found_before_the_index_has_it(node: Node, tmp_path: Path, requestor: Requestor) -> None:
    """Stored by another process of the node, which has not told the index yet."""
    image = instance(1, study=f"{STUDY}.6")
    data_set = encoded(image)
    meta = FileMeta(image.SOPClassUID, image.SOPInstanceUID, contexts.TRANSFER_SYNTAXES[0], "OTHER", "GANTRY")
    node.spool.store(data_set, read_header(data_set, contexts.TRANSFER_SYNTAXES[0]), meta)
    torn = node.spool.folder / f"{STUDY}.6" / f"{STUDY}.6.1" / f"{STUDY}.6.1.2.dcm"
    torn.write_bytes((torn.parent / f"{STUDY}.6.1.1.dcm").read_bytes()[:-100])
    asked = [(MRImageStorage, f"{STUDY}.6.1.1"), (MRImageStorage, f"{STUDY}.6.1.2")]
    with requestor.associated(node.port) as opened:
        assert requestor.ask(opened, request(asked, "2.25.6")) == 0x0000
        report = requestor.wait_for(1)
    assert report.committed == {f"{STUDY}.6.1.1"}
    assert report.failed == {f"{STUDY}.6.1.2": 0x0112}


def test_what_is_deleted_is_not_promised_and_what_is_asked_for_is_kept_from_deletion(
    node: Node, requestor: Requestor, tmp_path: Path
) -> None:
    sent = send(node.port, tmp_path, [1, 2], f"{STUDY}.7")
    with requestor.associated(node.port) as opened:
        requestor.status = 0x0110
        assert requestor.ask(opened, request(sent, "2.25.7")) == 0x0000
        requestor.wait_for(1)
    until(lambda: any("2.25.7 " in event.text for event in node.events("commitment-not-reported")))
    with node.database.read() as session:
        assert instances_awaiting_report(session) >= {uid for _, uid in sent}
    (node.spool.folder / f"{STUDY}.7" / f"{STUDY}.7.1" / f"{STUDY}.7.1.1.dcm").unlink()
    requestor.status = 0x0000
    with requestor.associated(node.port) as opened:
        assert requestor.ask(opened, request(sent, "2.25.7")) == 0x0000
        assert requestor.wait_for(2) == replace(
            requestor.reports[0], event_type=2, committed=frozenset({sent[1][1]}), failed={sent[0][1]: 0x0112}
        )
    wait_until_reported(node, "2.25.7")
    with node.database.read() as session:
        assert not instances_awaiting_report(session) & {uid for _, uid in sent}
