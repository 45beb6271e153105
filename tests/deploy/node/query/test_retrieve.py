"""Retrieves from real archives, by C-GET and C-MOVE."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit, MRImageStorage
from pynetdicom import AE, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind, StudyRootQueryRetrieveInformationModelGet
from sqlalchemy import select
from sqlalchemy.orm import Session

from deploy.node.config import ArchiveConfig, DiskConfig
from deploy.node.database import Database, Event, Instance, open_database
from deploy.node.disk import Space
from deploy.node.index import index_instance
from deploy.node.query import Archive, PeerError, fetch, intake
from deploy.node.spool import Spool, StoredInstance
from tests.deploy.node import archive as receiving
from tests.deploy.node.query.archives import COMPRESSED, CURRENT, PRIOR
from tests.deploy.node.sending import instance
from tests.peers import free_port

# There is always some, but in the test that says otherwise.
ROOM = Space(Path("/"), DiskConfig(reserve_gib=0))


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    opened = Spool(tmp_path)
    opened.open()
    return opened


def by_move(archive: Archive) -> Archive:
    return replace(archive, config=archive.config.model_copy(update={"retrieve": "move"}))


def indexed(database: Database) -> set[str]:
    with database.read() as session:
        return set(session.scalars(select(Instance.sop_instance_uid)))


def events(database: Database, kind: str) -> list[Event]:
    with database.read() as session:
        return list(session.scalars(select(Event).where(Event.kind == kind)))


def test_a_study_comes_by_get_as_if_it_had_been_sent(archive: Archive, spool: Spool, database: Database) -> None:
    fetched = fetch(archive, spool, database, PRIOR, space=ROOM)
    assert fetched.complete
    assert (fetched.completed, fetched.failed) == (1, 0)
    (path,) = spool.paths()
    stored = spool.read(path)
    assert stored.header.sop_instance_uid == f"{PRIOR}.1.1"
    assert stored.calling_ae_title == "ARCHIVE"
    kept, sent = dcmread(spool.folder / path), instance(1, study=PRIOR)
    assert (kept.PixelData, kept.PatientName) == (sent.PixelData, sent.PatientName)
    with database.read() as session:
        row = session.scalars(select(Instance)).one()
        assert (row.path, row.calling_ae_title, row.conflicting) == (path, "ARCHIVE", False)
    (event,) = events(database, "fetched")
    assert archive.name in event.text
    assert event.study_instance_uid == PRIOR


SERIES = {
    "dcmqrscp": (f"{CURRENT}.1", 3, {ExplicitVRLittleEndian}),
    "orthanc": (f"{COMPRESSED}.1", 2, {ExplicitVRLittleEndian, JPEGBaseline8Bit}),
}


def test_a_series_comes_in_the_transfer_syntaxes_that_it_has(
    archive: Archive, spool: Spool, database: Database
) -> None:
    series, count, syntaxes = SERIES[archive.name]
    fetched = fetch(archive, spool, database, series.removesuffix(".1"), series, space=ROOM)
    assert fetched.complete
    assert indexed(database) == {f"{series}.{number}" for number in range(1, count + 1)}
    assert {spool.read(path).transfer_syntax_uid for path in spool.paths()} == syntaxes


def test_fetching_again_fetches_only_what_is_not_there(archive: Archive, spool: Spool, database: Database) -> None:
    fetch(archive, spool, database, PRIOR, space=ROOM)
    before = {path: (spool.folder / path).stat().st_mtime_ns for path in spool.paths()}
    assert fetch(archive, spool, database, PRIOR, space=ROOM).complete
    assert {path: (spool.folder / path).stat().st_mtime_ns for path in spool.paths()} == before
    assert events(database, "conflicting-instance") == []
    assert events(database, "fetched")[1].text.startswith("0 new of 1 instances")


@pytest.mark.parametrize("series", [None, f"{CURRENT}.2"])
def test_a_move_comes_to_our_own_title(
    archive: Archive, spool: Spool, database: Database, receiver: receiving.Archive, series: str | None
) -> None:
    receiver.stored.clear()
    fetched = fetch(by_move(archive), spool, database, CURRENT, series, space=ROOM)
    assert fetched.complete
    expected = {f"{CURRENT}.2.1"} if series else {f"{CURRENT}.1.{n}" for n in (1, 2, 3)} | {f"{CURRENT}.2.1"}
    assert set(receiver.sop_instance_uids) == expected
    assert fetched.completed == len(expected)


def test_a_move_to_somebody_that_the_archive_does_not_know_says_so(
    archive: Archive, spool: Spool, database: Database
) -> None:
    stranger = replace(by_move(archive), calling_ae_title="STRANGER")
    try:
        fetched = fetch(stranger, spool, database, PRIOR, space=ROOM)
    # dcmqrscp does not even take the association.
    except PeerError:
        fetched = None
    assert fetched is None or not fetched.complete
    assert len(events(database, "not-fetched")) == 1


@pytest.mark.parametrize("way", ["get", "move"])
def test_what_is_not_there_is_a_problem(archive: Archive, spool: Spool, database: Database, way: str) -> None:
    asked = by_move(archive) if way == "move" else archive
    fetched = fetch(asked, spool, database, "1.2.3", space=ROOM)
    assert not fetched.complete
    assert indexed(database) == set()
    assert fetched.problem in events(database, "not-fetched")[0].text


class UnrulyArchive:
    """An archive that sends ``instances`` on C-GET and then does as ``end`` says."""

    def __init__(self, instances: list[Dataset], end: str = "success") -> None:
        self.port = free_port()
        self._instances = instances
        self._end = end
        entity = AE(ae_title="ARCHIVE")
        entity.add_supported_context(StudyRootQueryRetrieveInformationModelFind)
        entity.add_supported_context(StudyRootQueryRetrieveInformationModelGet)
        entity.add_supported_context(MRImageStorage, ExplicitVRLittleEndian, scu_role=True, scp_role=True)
        handlers = [(evt.EVT_C_FIND, self._find), (evt.EVT_C_GET, self._get)]
        self._server = entity.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)

    def as_archive(self, **more: object) -> Archive:
        config = {"ae_title": "ARCHIVE", "host": "127.0.0.1", "port": self.port, "answer_seconds": 5, **more}
        return Archive("unruly", ArchiveConfig.model_validate(config), "GANTRY")

    def stop(self) -> None:
        self._server.shutdown()

    def _find(self, event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        answer = Dataset()
        answer.update(event.identifier)
        answer.SOPClassesInStudy = MRImageStorage
        answer.StudyInstanceUID = PRIOR
        yield 0xFF00, answer

    def _get(self, event: evt.Event) -> Iterator[object]:
        yield len(self._instances)
        for number, image in enumerate(self._instances):
            if event.is_cancelled:
                yield 0xFE00, None
                return
            if self._end == "abort" and number == len(self._instances) - 1:
                event.assoc.abort()
                return
            if self._end == "failure" and number == len(self._instances) - 1:
                yield 0xC001, None
                return
            yield 0xFF00, image


def images(count: int) -> list[Dataset]:
    made = [instance(number, study=PRIOR) for number in range(1, count + 1)]
    for image in made:
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image["PixelData"].VR = "OW"
    return made


def test_an_archive_that_breaks_off_leaves_what_came_and_the_rest_is_fetched_later(
    spool: Spool, database: Database
) -> None:
    unruly = UnrulyArchive(images(3), "abort")
    try:
        with pytest.raises(PeerError, match="ended the association"):
            fetch(unruly.as_archive(), spool, database, PRIOR, space=ROOM)
    finally:
        unruly.stop()
    assert indexed(database) == {f"{PRIOR}.1.1", f"{PRIOR}.1.2"}
    assert "2 new of 2" in events(database, "not-fetched")[0].text
    good = UnrulyArchive(images(3))
    try:
        assert fetch(good.as_archive(), spool, database, PRIOR, space=ROOM).completed == 3
    finally:
        good.stop()
    assert indexed(database) == {f"{PRIOR}.1.{number}" for number in (1, 2, 3)}
    assert "1 new of 3" in events(database, "fetched")[0].text


def fetch_until_killed(folder: Path, unruly: UnrulyArchive, moment: int) -> None:
    """Fetch in a process that is killed between the spool and the index, at one of the instances."""
    spool, database = Spool(folder, writer="killed"), open_database(folder)
    stored = []

    def index(session: Session, instance: StoredInstance) -> None:
        stored.append(instance)
        if len(stored) == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        index_instance(session, instance)

    vars(intake)["index_instance"] = index
    fetch(unruly.as_archive(), spool, database, PRIOR, space=ROOM)


def test_a_fetch_that_was_killed_is_ended_by_the_next(spool: Spool, database: Database) -> None:
    unruly = UnrulyArchive(images(5))
    try:
        # Forked, as everything is imported here already.
        kind = multiprocessing.get_context("fork")
        process = kind.Process(target=fetch_until_killed, args=(spool.folder.parent, unruly, 3))
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
        assert indexed(database) == {f"{PRIOR}.1.1", f"{PRIOR}.1.2"}
        assert len(list(spool.paths())) == 3
        assert fetch(unruly.as_archive(), spool, database, PRIOR, space=ROOM).complete
    finally:
        unruly.stop()
    assert indexed(database) == {f"{PRIOR}.1.{number}" for number in range(1, 6)}
    assert len(list(spool.paths())) == 5
    assert "2 new of 5" in events(database, "fetched")[0].text


def test_instances_that_cannot_be_understood_are_named(spool: Spool, database: Database) -> None:
    broken = images(2)
    del broken[1].SeriesInstanceUID
    unruly = UnrulyArchive(broken)
    try:
        fetched = fetch(unruly.as_archive(), spool, database, PRIOR, space=ROOM)
    finally:
        unruly.stop()
    assert (fetched.completed, fetched.failed) == (1, 1)
    assert fetched.failed_instances == (f"{PRIOR}.1.2",)
    assert "no SeriesInstanceUID" in fetched.problem


def test_an_error_of_the_disk_is_told_to_the_archive(spool: Spool, database: Database) -> None:
    (spool.folder / PRIOR).write_text("where the study's folder would be")
    unruly = UnrulyArchive(images(1))
    try:
        fetched = fetch(unruly.as_archive(), spool, database, PRIOR, space=ROOM)
    finally:
        unruly.stop()
    assert (fetched.completed, fetched.failed) == (0, 1)
    assert "NotADirectoryError" in fetched.problem


def test_without_room_on_the_disk_nothing_is_taken(spool: Spool, database: Database) -> None:
    unruly = UnrulyArchive(images(2))
    try:
        space = Space(spool.folder, DiskConfig(reserve_gib=2.0**20))
        fetched = fetch(unruly.as_archive(), spool, database, PRIOR, space=space)
    finally:
        unruly.stop()
    assert (fetched.completed, fetched.failed) == (0, 2)
    assert "the disk is nearly full" in fetched.problem
    assert list(spool.paths()) == []


def test_a_fetch_is_cancelled(spool: Spool, database: Database) -> None:
    unruly = UnrulyArchive(images(200))
    cancel = threading.Event()
    cancel.set()
    try:
        fetched = fetch(unruly.as_archive(), spool, database, PRIOR, cancel=cancel, space=ROOM)
    finally:
        unruly.stop()
    assert fetched.problem == "cancelled"
    assert 0 < len(indexed(database)) < 200


def test_a_failure_of_the_archive_is_told(spool: Spool, database: Database) -> None:
    unruly = UnrulyArchive(images(2), "failure")
    try:
        fetched = fetch(unruly.as_archive(), spool, database, PRIOR, space=ROOM)
    finally:
        unruly.stop()
    assert fetched.problem.startswith("the archive answered 0xC001")
    assert indexed(database) == {f"{PRIOR}.1.1"}
