"""Peers that ask for the services: a receiver as the node composes it, and what they send to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage
from pynetdicom import AE, evt
from pynetdicom.association import Association
from sqlalchemy import select

from deploy.node.access import Rejections
from deploy.node.config import DiskConfig, NodeConfig, PeerConfig, Permission, ReceiveConfig
from deploy.node.database import Database, Event, open_database
from deploy.node.index import ReceiveIndex
from deploy.node.receive.storage_scp import StorageSCP
from deploy.node.services.commitment_calls import CommitmentCalls
from deploy.node.services.contexts import STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE, TRANSFER_SYNTAXES
from deploy.node.spool import Spool
from tests.deploy.node.sending import encoded, instance, send_unchanged, write_file
from tests.peers import free_port

TRANSACTION = "2.25.4711"

PERMISSIONS = frozenset({Permission.ECHO, Permission.STORE, Permission.COMMIT, Permission.REPORT})


@dataclass
class Node:
    """A receiver with spool and database, and what calls back."""

    config: NodeConfig
    database: Database
    spool: Spool
    calls: CommitmentCalls

    @property
    def port(self) -> int:
        return self.config.receive.port

    def close(self) -> None:
        self.database.close()

    def events(self, kind: str) -> list[Event]:
        with self.database.read() as session:
            return list(session.scalars(select(Event).where(Event.kind == kind).order_by(Event.id)))


def stored_node(folder: Path, *, may: frozenset[Permission] = PERMISSIONS, **peer: Any) -> Node:
    """A node that does not listen, with one peer, SCANNER, that may do everything; ``peer`` is more of its keys."""
    keys = {"ae_title": "SCANNER", "networks": ("127.0.0.0/8",), "may": may, **peer}
    config = NodeConfig(
        data_folder=folder,
        receive=ReceiveConfig(host="127.0.0.1", port=free_port(), processes=1),
        peers={"scanner": PeerConfig.model_validate(keys)},
        disk=DiskConfig(reserve_gib=0),
    )
    database, spool = open_database(folder), Spool(folder)
    spool.open()
    calls = CommitmentCalls(database, spool, config.peers, ae_title=config.receive.ae_title)
    return Node(config, database, spool, calls)


@contextmanager
def running_node(folder: Path, **more: Any) -> Iterator[Node]:
    """The same with one receiver process."""
    node = stored_node(folder, **more)
    scp = StorageSCP(node.config, node.spool, ReceiveIndex(node.database, Rejections(node.database)))
    scp.start()
    try:
        yield node
    finally:
        scp.stop()
        node.database.close()


def send(port: int, folder: Path, numbers: Sequence[int], study: str) -> list[tuple[str, str]]:
    """Store MR images of a study; return their SOP Class and SOP Instance UIDs."""
    images = [instance(number, study=study) for number in numbers]
    files = [
        write_file(folder / f"{study}.{number}.dcm", encoded(image), sop_instance_uid=image.SOPInstanceUID)
        for number, image in zip(numbers, images, strict=True)
    ]
    answers = send_unchanged(port, files, ((MRImageStorage, ExplicitVRLittleEndian),))
    assert [answer.Status for answer in answers] == [0] * len(files)
    return [(image.SOPClassUID, image.SOPInstanceUID) for image in images]


def request(references: Sequence[tuple[str, str]], transaction: str | None = TRANSACTION) -> Dataset:
    """What is asked by N-ACTION."""
    asked = Dataset()
    if transaction is not None:
        asked.TransactionUID = transaction
    asked.ReferencedSOPSequence = [reference(*each) for each in references]
    return asked


def reference(sop_class: str, sop_instance: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = sop_class
    item.ReferencedSOPInstanceUID = sop_instance
    return item


@dataclass(frozen=True)
class Report:
    """A report as the peer got it; instances by UID, those that failed with their reason."""

    event_type: int
    transaction: str
    committed: frozenset[str]
    failed: dict[str, int]


class Requestor:
    """The side that asks, which also listens; answers each report with ``status``."""

    def __init__(self) -> None:
        self.port = free_port()
        self.status = 0x0000
        self.reports: list[Report] = []
        self.came = threading.Condition()
        self._entity = AE(ae_title="SCANNER")
        self._entity.add_supported_context(STORAGE_COMMITMENT, list(TRANSFER_SYNTAXES), scu_role=False, scp_role=True)
        self._server: Any = None

    def listen(self) -> None:
        """Take reports over new associations, too."""
        self._server = self._entity.start_server(
            ("127.0.0.1", self.port), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, self._report)]
        )

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server = None

    @contextmanager
    def associated(self, port: int) -> Iterator[Association]:
        """An association for asking."""
        entity = AE(ae_title="SCANNER")
        entity.add_requested_context(STORAGE_COMMITMENT, list(TRANSFER_SYNTAXES))
        opened = entity.associate(
            "127.0.0.1", port, ae_title="GANTRY", evt_handlers=[(evt.EVT_N_EVENT_REPORT, self._report)]
        )
        assert opened.is_established
        try:
            yield opened
        finally:
            if opened.is_established:
                opened.release()

    def ask(self, opened: Association, asked: Dataset | None, **more: Any) -> int:
        """Send N-ACTION and return the status."""
        arguments = {
            "action_type": 1,
            "class_uid": STORAGE_COMMITMENT,
            "instance_uid": STORAGE_COMMITMENT_INSTANCE,
            **more,
        }
        answer, _ = opened.send_n_action(asked, **arguments)
        return int(answer.Status)

    def wait_for(self, count: int, seconds: float = 60.0) -> Report:
        """Return the last of so many reports."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.reports) >= count, seconds), f"{len(self.reports)} reports"
            return self.reports[-1]

    def _report(self, event: evt.Event) -> tuple[int, None]:
        told = event.event_information
        with self.came:
            self.reports.append(
                Report(
                    event.request.EventTypeID,
                    told.TransactionUID,
                    frozenset(item.ReferencedSOPInstanceUID for item in told.get("ReferencedSOPSequence", ())),
                    {item.ReferencedSOPInstanceUID: item.FailureReason for item in told.get("FailedSOPSequence", ())},
                )
            )
            self.came.notify_all()
        return self.status, None
