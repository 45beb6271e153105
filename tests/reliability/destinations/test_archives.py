"""Archives that are full, that warn, that forget: what they have not taken for good is sent until they have."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from deploy.child import stop
from deploy.node.database import open_database
from tests.deploy.node.archive import Archive
from tests.deploy.node.outbox.committing import CommittingArchive
from tests.deploy.node.outbox.waiting import Clock, Waiting, running, store_destination
from tests.peers import dcmtk, free_port
from tests.reliability.destinations.network import Fault, FaultyNetwork, Weather
from tests.waiting import until


@pytest.fixture
def waiting(tmp_path: Path) -> Waiting:
    return Waiting(open_database(tmp_path), tmp_path)


def test_full_archive_gets_all_in_order_once_it_has_room(waiting: Waiting) -> None:
    for _ in range(5):
        waiting.add_job("full", "well")
    is_full = True

    def answer(_: Dataset) -> int:
        return 0xA700 if is_full and len(full.stored) >= 3 else 0

    full = Archive(answer=answer)
    with (
        full,
        Archive() as well,
        running(
            waiting.queue("full", store_destination(full.port)), waiting.queue("well", store_destination(well.port))
        ),
    ):
        until(lambda: waiting.is_delivered("well"))
        until(lambda: waiting.destination("full").failures >= 3)
        assert full.sop_instance_uids == waiting.uids("full")[:3]
        is_full = False
        until(lambda: waiting.is_delivered("full"))
    assert full.sop_instance_uids == waiting.uids("full")
    assert well.sop_instance_uids == waiting.uids("well")


def test_instance_that_is_always_refused_holds_up_no_other(waiting: Waiting) -> None:
    jobs = [waiting.add_job("pacs") for _ in range(3)]
    bad = waiting.uids("pacs")[1]
    with Archive(answer=lambda dataset: 0xA900 if dataset.SOPInstanceUID == bad else 0) as archive:
        clock = Clock()
        queue = waiting.queue("pacs", store_destination(archive.port), clock=clock)
        for _ in range(10):
            queue.deliver_due()
            clock.wait(1)
        queue.close()
    assert archive.sop_instance_uids == [uid for uid in waiting.uids("pacs") if uid != bad]
    row = waiting.deliveries(jobs[0])[1]
    assert (row.delivered, row.status) == (None, "A900 Data Set Does Not Match SOP Class")
    assert row.attempts >= 10
    # It is the instance's fault, and the destination's circuit stays closed.
    assert not waiting.events("destination-unreachable")


def test_archive_that_always_breaks_at_an_instance_holds_up_no_other(waiting: Waiting) -> None:
    for _ in range(3):
        waiting.add_job("pacs")
    bad = waiting.uids("pacs")[1]

    def answer(dataset: Dataset) -> int:
        if dataset.SOPInstanceUID == bad:
            archive.abort()
        return 0xC000 if dataset.SOPInstanceUID == bad else 0

    archive = Archive(answer=answer)
    with archive:
        clock = Clock()
        queue = waiting.queue("pacs", store_destination(archive.port), clock=clock)
        for _ in range(6):
            while queue.deliver_due():
                continue
            clock.wait(1)
        queue.close()
    assert archive.sop_instance_uids == [uid for uid in waiting.uids("pacs") if uid != bad]


def test_warning_is_a_delivery_and_stays_visible(waiting: Waiting) -> None:
    job = waiting.add_job("pacs", objects=5)
    warnings = ["B000", "B006", "B007", "B999", "0107"]
    with Archive(answer=lambda dataset: int(warnings[dataset.InstanceNumber - 1], 16)) as archive:
        queue = waiting.queue("pacs", store_destination(archive.port))
        queue.deliver_due()
        queue.close()
    rows = waiting.deliveries(job)
    assert all(row.delivered for row in rows)
    assert [row.status[:4] for row in rows] == warnings
    assert waiting.state(job).is_final
    assert all(warning in event.text for warning, event in zip(warnings, waiting.events("sent"), strict=True))


def test_archive_that_never_commits_itself_holds_up_no_other(waiting: Waiting) -> None:
    for _ in range(3):
        waiting.add_job("forgetful", "well")
    with CommittingArchive(reports=False) as forgetful, Archive() as well:
        config = store_destination(forgetful.port, storage_commitment=True, commitment_seconds=0.3)
        with running(waiting.queue("forgetful", config), waiting.queue("well", store_destination(well.port))):
            forgetful.wait_for_requests(6)
            until(lambda: waiting.is_delivered("well"))
            assert not any(row.delivered for row in waiting.deliveries(destination="forgetful"))
            forgetful.reports = True
            until(lambda: waiting.is_delivered("forgetful"))
    assert forgetful.sop_instance_uids == waiting.uids("forgetful")


def test_slow_network_is_no_failure(waiting: Waiting) -> None:
    # 40 kB at 20 kB/s take four times as long as a silent peer is given.
    waiting.add_job("far", "well", objects=1, pixels=40_000)
    weather = Weather(Fault.SLOW, bytes_per_second=20_000)
    with Archive() as far, Archive() as well, FaultyNetwork(far.port, weather) as network:
        config = store_destination(network.port, answer_seconds=0.5)
        with running(waiting.queue("far", config), waiting.queue("well", store_destination(well.port))):
            until(lambda: waiting.is_delivered("well"))
            assert far.stored == []
            until(lambda: waiting.is_delivered("far"))
    assert far.sop_instance_uids == waiting.uids("far")
    assert [row.attempts for row in waiting.deliveries(destination="far")] == [1]


@contextmanager
def storescp(folder: Path) -> Iterator[int]:
    """DCMTK's storage SCP; yields its port."""
    port = free_port()
    folder.mkdir()
    process = subprocess.Popen(
        [dcmtk("storescp"), "-aet", "ARCHIVE", "-od", str(folder), "+B", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield port
    finally:
        stop(process, 10)


@pytest.mark.peer
def test_dcmtk_gets_everything_through_a_network_that_resets(waiting: Waiting, tmp_path: Path) -> None:
    for _ in range(3):
        waiting.add_job("pacs", pixels=200_000)
    with (
        storescp(tmp_path / "stored") as port,
        FaultyNetwork(port, Weather(Fault.RESET, after_bytes=300_000)) as network,
        running(waiting.queue("pacs", store_destination(network.port))),
    ):
        # One at a time passes each association.
        until(lambda: network.connections >= 3)
        network.become(Weather())
        until(lambda: waiting.is_delivered("pacs"))
    stored = [dcmread(path) for path in (tmp_path / "stored").iterdir()]
    assert sorted(str(image.SOPInstanceUID) for image in stored) == sorted(waiting.uids("pacs"))
    originals = {str(image.SOPInstanceUID): image for image in map(dcmread, (tmp_path / "outbox").glob("*/*.dcm"))}
    assert all(image == originals[str(image.SOPInstanceUID)] for image in stored)
