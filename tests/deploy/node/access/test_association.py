"""Who gets an association with the real receiver processes, with and without TLS, seen by real peers."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.sop_class import Verification
from sqlalchemy import select

from deploy.node.access import Rejections, client_context
from deploy.node.config import NodeConfig, TLSConfig
from deploy.node.database import Database, Event, open_database
from deploy.node.index import ReceiveIndex
from deploy.node.receive.storage_scp import StorageSCP
from deploy.node.spool import Spool
from phantoms.send import leave_answers
from tests.deploy.node.access.certificates import Authority
from tests.deploy.node.sending import encoded, instance, write_file
from tests.peers import dcmtk, free_port
from tests.waiting import until


@dataclass
class Site:
    """A receiver with both ports, and who is in charge of its certificates."""

    port: int
    tls_port: int
    authority: Authority
    database: Database
    spool: Spool
    rejections: Rejections

    def refused(self, reason: str) -> Event:
        """The newest event of a refusal for this reason."""
        found: list[Event] = []

        def told() -> bool:
            self.rejections.write(rest=True)
            with self.database.read() as session:
                events = session.scalars(select(Event).where(Event.kind == "association-rejected").order_by(Event.id))
                found[:] = [event for event in events if event.data["reason"] == reason]
            return bool(found)

        until(told)
        return found[-1]

    def associate(self, title: str, *, tls: ssl.SSLContext | None = None, sop_class: str = Verification) -> Association:
        """What a peer gets that calls under this title."""
        entity = AE(ae_title=title)
        entity.add_requested_context(sop_class)
        port = self.tls_port if tls is not None else self.port
        association = entity.associate(
            "127.0.0.1", port, ae_title="GANTRY", tls_args=None if tls is None else (tls, "127.0.0.1")
        )
        leave_answers(association)
        return association


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    authority = Authority(folder)
    here = ["127.0.0.0/8"]
    # RSA: what DCMTK 3.6.7 negotiates.
    tls = authority.issue("node", old_kind=True).model_dump() | {"port": free_port()}
    config = NodeConfig.model_validate(
        {
            "data_folder": folder / "data",
            "receive": {"host": "127.0.0.1", "port": free_port(), "tls": tls, "processes": 1},
            "peers": {
                "plain": {"ae_title": "PLAIN", "networks": here},
                "asks": {"ae_title": "ASKS", "networks": here, "may": ["echo"]},
                "elsewhere": {"ae_title": "ELSEWHERE", "networks": ["10.0.0.0/8"]},
                "secure": {"ae_title": "SECURE", "networks": here, "tls": True, "certificate_name": "ct.example"},
            },
        }
    )
    database, spool = open_database(config.data_folder), Spool(config.data_folder)
    spool.open()
    rejections = Rejections(database)
    scp = StorageSCP(config, spool, ReceiveIndex(database, rejections))
    scp.start()
    try:
        yield Site(config.receive.port, tls["port"], authority, database, spool, rejections)
    finally:
        scp.stop()
        database.close()


def dcmtk_options(tls: TLSConfig, *, trusted: Path | None = None) -> list[str]:
    return ["+tls", str(tls.key), str(tls.certificate), "+cf", str(trusted or tls.trusted)]


def call(
    program: str, title: str, port: int, *files: Path, called: str = "GANTRY", options: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [dcmtk(program), "-v", *options, "-aet", title, "-aec", called, "127.0.0.1", str(port), *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.peer
@pytest.mark.parametrize(
    ("title", "called", "reason", "shown"),
    [
        ("NOBODY", "GANTRY", "calling-ae-title", "Calling AE Title Not Recognized"),
        ("ELSEWHERE", "GANTRY", "network", "Calling AE Title Not Recognized"),
        ("PLAIN", "OTHER", "called-ae-title", "Called AE Title Not Recognized"),
        ("SECURE", "GANTRY", "tls", "No Reason"),
    ],
)
def test_who_is_not_listed_is_rejected_and_told(site: Site, title: str, called: str, reason: str, shown: str) -> None:
    done = call("echoscu", title, site.port, called=called)
    told = done.stdout + done.stderr
    assert "Result: Rejected Permanent, Source: Service User" in told
    assert f"Reason: {shown}" in told
    event = site.refused(reason)
    assert event.data["calling_ae_title"] == title
    assert event.data["called_ae_title"] == called
    assert event.data["address"] == "127.0.0.1"


def test_a_flood_of_rejected_callers_is_counted_exactly(site: Site) -> None:
    # The site's other tests have callers refused for the same reason: only what comes on top of theirs is awaited.
    before = site.rejections.by_reason().get("calling-ae-title", 0)
    for _ in range(100):
        assert not site.associate("FLOOD").is_established

    def counts() -> list[object]:
        site.rejections.write()
        with site.database.read() as session:
            events = session.scalars(select(Event).where(Event.kind == "association-rejected"))
            return [event.data["count"] for event in events if event.data["calling_ae_title"] == "FLOOD"]

    until(lambda: site.rejections.by_reason()["calling-ae-title"] >= before + 100)
    assert len(counts()) <= 2
    site.rejections.write(rest=True)
    assert sum(int(str(count)) for count in counts()) == 100


def test_a_peer_gets_what_it_may_do_and_nothing_else(site: Site) -> None:
    association = site.associate("ASKS")
    assert association.send_c_echo().Status == 0
    association.release()
    association = site.associate("ASKS", sop_class=MRImageStorage)
    # No presentation context is left.
    assert not association.is_established


@pytest.fixture
def image(tmp_path: Path) -> Path:
    data_set = instance()
    return write_file(tmp_path / "image.dcm", encoded(data_set), sop_instance_uid=data_set.SOPInstanceUID)


@pytest.mark.peer
def test_dcmtk_stores_over_tls(site: Site, image: Path) -> None:
    options = dcmtk_options(site.authority.issue("ct.example", old_kind=True))
    assert call("echoscu", "SECURE", site.tls_port, options=options).returncode == 0
    done = call("storescu", "SECURE", site.tls_port, image, options=options)
    assert done.returncode == 0, done.stderr
    assert "Received Store Response (Success)" in done.stderr + done.stdout
    assert len(list(site.spool.paths())) == 1


def test_pynetdicom_talks_over_tls(site: Site) -> None:
    association = site.associate("SECURE", tls=client_context(site.authority.issue("ct", dns=("ct.example",))))
    assert association.send_c_echo().Status == 0
    association.release()


def test_a_certificate_of_another_name_is_rejected(site: Site) -> None:
    association = site.associate("SECURE", tls=client_context(site.authority.issue("mr.example")))
    assert not association.is_established
    event = site.refused("certificate-name")
    assert event.data["certificate_names"] == ["mr.example"]


@pytest.mark.peer
@pytest.mark.parametrize("case", ["untrusted", "expired", "absent"])
def test_a_certificate_that_is_no_proof_is_refused_and_told(site: Site, tmp_path: Path, case: str) -> None:
    if case == "absent":
        options = ["+tla", "-ic"]
    elif case == "expired":
        options = dcmtk_options(site.authority.issue("expired", days=-0.5, old_kind=True))
    else:
        foreign = Authority(tmp_path, "elsewhere").issue("ct.example", old_kind=True)
        options = dcmtk_options(foreign, trusted=site.authority.path)
    assert call("echoscu", "SECURE", site.tls_port, options=options).returncode != 0
    event = site.refused("tls")
    told = {"untrusted": "unable to get local issuer", "expired": "expired", "absent": "did not return a certificate"}
    until(lambda: told[case] in site.refused("tls").text)
    assert event.data["address"] == "127.0.0.1"


def test_plain_words_at_the_tls_port_are_refused_and_told(site: Site) -> None:
    entity = AE(ae_title="SECURE")
    entity.add_requested_context(Verification, ExplicitVRLittleEndian)
    assert not entity.associate("127.0.0.1", site.tls_port, ae_title="GANTRY").is_established
    assert site.refused("tls").data["calling_ae_title"] == ""


def test_a_renewed_certificate_is_shown_to_the_next_caller(site: Site) -> None:
    def shown() -> bytes:
        return ssl.get_server_certificate(("127.0.0.1", site.tls_port)).encode()

    # It ends without a certificate of the caller: the node's is shown before that.
    before = shown()
    assert before == shown()
    site.authority.issue("node", old_kind=True)
    assert shown() != before
    association = site.associate("SECURE", tls=client_context(site.authority.issue("ct", dns=("ct.example",))))
    assert association.is_established
    association.release()
