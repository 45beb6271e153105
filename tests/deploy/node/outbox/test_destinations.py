"""Return to sender: results go back to whoever sent the images, or wait until there is an address."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.node.config import NodeConfig
from deploy.node.database import Database, Instance, Study
from deploy.node.outbox import Outbox, addressees, destinations_of, hold_unaddressed
from tests.deploy.node.archive import Archive
from tests.deploy.node.outbox.waiting import NOW, Waiting


@pytest.fixture
def waiting(database: Database, tmp_path: Path) -> Waiting:
    return Waiting(database, tmp_path)


def config(folder: Path, port: int | None = None, **peers: object) -> NodeConfig:
    """A node whose app returns results to the sender, CT1, which has an address where a port is given."""
    scanner = {"ae_title": "CT1", "networks": ["127.0.0.1/32"], "may": ["echo", "store"]}
    address = {} if port is None else {"host": "127.0.0.1", "port": port}
    return NodeConfig.model_validate(
        {
            "data_folder": folder,
            "peers": {"scanner": {**scanner, **address}, **peers},
            "destinations": {"pacs": {"ae_title": "PACS", "host": "127.0.0.1", "port": 1}},
            "apps": {"tiny": {"destinations": ["pacs", "sender"]}},
        }
    )


def receive(waiting: Waiting, *senders: str) -> list[str]:
    """One image of study 1.2 from each of these AE titles; return their SOP Instance UIDs."""
    uids = [f"1.2.{number}" for number in range(len(senders))]
    with waiting.database.write() as session:
        session.add(Study(study_instance_uid="1.2", first_received=NOW, last_received=NOW))
        for uid, sender in zip(uids, senders, strict=True):
            session.add(
                Instance(
                    study_instance_uid="1.2",
                    series_instance_uid="1.2.3",
                    sop_instance_uid=uid,
                    sop_class_uid="1.2.840.10008.5.1.4.1.1.4",
                    transfer_syntax_uid="1.2.840.10008.1.2.1",
                    path=uid,
                    sha256=uid,
                    size=1,
                    calling_ae_title=sender,
                    received=NOW,
                )
            )
    return uids


def test_sender_stands_for_those_who_sent_what_was_analysed(waiting: Waiting) -> None:
    uids = receive(waiting, "CT1", "CT1", "CT2", "CT3")
    with waiting.database.read() as session:
        assert addressees(session, "1.2", uids[:3], ["pacs", "sender"]) == ("pacs", "sender:CT1", "sender:CT2")
        assert addressees(session, "1.2", uids, ["pacs"]) == ("pacs",)


def test_peer_with_an_address_is_a_destination(tmp_path: Path) -> None:
    anyone = {"ae_title": "*", "networks": ["10.0.0.0/8"], "host": "10.0.0.1", "port": 104}
    found = destinations_of(config(tmp_path, 11113, anyone=anyone))
    assert set(found) == {"pacs", "sender:CT1"}
    assert (found["sender:CT1"].host, found["sender:CT1"].port) == ("127.0.0.1", 11113)
    assert set(destinations_of(config(tmp_path))) == {"pacs"}


def test_results_go_back_to_their_sender(waiting: Waiting) -> None:
    job = waiting.add_job("sender:ARCHIVE")
    with Archive() as scanner:
        archive = {"ae_title": "ARCHIVE", "networks": ["127.0.0.1/32"], "host": "127.0.0.1", "port": scanner.port}
        outbox = Outbox(config(waiting.folder, archive=archive), waiting.database)
        outbox.take_up()
        queue = outbox.queues["sender:ARCHIVE"]
        assert queue.deliver_due()
        queue.close()
    assert scanner.sop_instance_uids == waiting.uids("sender:ARCHIVE")
    assert waiting.state(job).is_final


def test_sender_without_an_address_is_told_in_the_study_and_gets_its_results_later(waiting: Waiting) -> None:
    job = waiting.add_job("sender:CT1")
    with waiting.database.write() as session:
        hold_unaddressed(session, destinations_of(config(waiting.folder)), repeat=False)
    why = "CT1 has no address to return results to (host and port of its peer)"
    assert [event.text for event in waiting.events("no-destination")] == [f"2 instances wait: {why}"]
    assert waiting.outcome(job) == f"tiny: analysed; not sent: {why}"
    with waiting.database.write() as session:
        hold_unaddressed(session, destinations_of(config(waiting.folder)), repeat=False)
    assert len(waiting.events("no-destination")) == 1
    with waiting.database.write() as session:
        hold_unaddressed(session, destinations_of(config(waiting.folder, 11113)), repeat=True)
    assert waiting.outcome(job) == "tiny: analysed; not yet delivered"
    assert [(row.held, row.status) for row in waiting.deliveries(job)] == [(False, "")] * 2
