from __future__ import annotations

import hashlib
import multiprocessing
import os
import shutil
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from deploy.node import durable
from deploy.node.file_meta import FileMeta, NotDicomFileError, decode, encode
from deploy.node.header import InstanceHeader, read_header
from deploy.node.spool import Arrival, Spool, StoredInstance, TornFileError
from operators.implementation import IMPLEMENTATION_CLASS_UID
from tests.deploy.node.sending import STUDY, encoded, instance

META = FileMeta(MRImageStorage, f"{STUDY}.1.1", ExplicitVRLittleEndian, "SCANNER", "GANTRY")
FIRST = encoded(instance())
OTHER = encoded(instance(pixels=b"\1" * 2048))


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    opened = Spool(tmp_path)
    opened.open()
    return opened


def store(spool: Spool, data_set: bytes) -> StoredInstance:
    return spool.store(data_set, read_header(data_set, ExplicitVRLittleEndian), META)


def data_set_of(path: Path) -> bytes:
    with path.open("rb") as file:
        decode(file)
        return file.read()


def test_the_file_holds_the_very_bytes_and_says_where_they_came_from(spool: Spool) -> None:
    before = datetime.now(timezone.utc)
    stored = store(spool, FIRST)
    assert stored.path == f"{STUDY}/{STUDY}.1/{STUDY}.1.1.dcm"
    assert stored.arrival is Arrival.NEW
    assert (stored.sha256, stored.size) == (hashlib.sha256(FIRST).hexdigest(), len(FIRST))
    assert before <= stored.received <= datetime.now(timezone.utc)
    path = spool.folder / stored.path
    assert data_set_of(path) == FIRST
    image = dcmread(path)
    assert (image.PatientName, image.PixelData) == ("Müller^Jürgen", bytes(2048))
    meta = image.file_meta
    assert meta.MediaStorageSOPInstanceUID == f"{STUDY}.1.1"
    assert meta.MediaStorageSOPClassUID == MRImageStorage
    assert meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert meta.ImplementationClassUID == IMPLEMENTATION_CLASS_UID
    assert meta.SourceApplicationEntityTitle == meta.SendingApplicationEntityTitle == "SCANNER"
    assert meta.ReceivingApplicationEntityTitle == "GANTRY"


def test_the_same_bytes_again_change_nothing(spool: Spool) -> None:
    first = store(spool, FIRST)
    written = (spool.folder / first.path).stat().st_mtime_ns
    again = store(spool, FIRST)
    assert again.arrival is Arrival.DUPLICATE
    assert again.path == first.path
    assert (spool.folder / first.path).stat().st_mtime_ns == written
    assert list(spool.paths()) == [first.path]


def test_a_copy_that_the_disk_has_spoilt_is_replaced_by_the_one_that_comes(spool: Spool) -> None:
    path = spool.folder / store(spool, FIRST).path
    content = bytearray(path.read_bytes())
    content[-10] ^= 0xFF
    path.write_bytes(content)
    again = store(spool, FIRST)
    assert (again.path, again.arrival) == (str(path.relative_to(spool.folder)), Arrival.NEW)
    assert data_set_of(path) == FIRST
    assert store(spool, FIRST).arrival is Arrival.DUPLICATE


def test_other_bytes_under_the_same_uid_are_kept_apart(spool: Spool) -> None:
    first, other = store(spool, FIRST), store(spool, OTHER)
    assert (first.is_first_copy, other.is_first_copy) == (True, False)
    assert other.arrival is Arrival.CONFLICTING
    assert data_set_of(spool.folder / first.path) == FIRST
    assert data_set_of(spool.folder / other.path) == OTHER
    assert store(spool, OTHER).arrival is Arrival.DUPLICATE
    assert store(spool, FIRST).arrival is Arrival.DUPLICATE
    assert set(spool.paths()) == {first.path, other.path}


def test_a_copy_that_claims_another_series_is_kept_apart(spool: Spool) -> None:
    first = store(spool, FIRST)
    moved = store(spool, encoded(instance(SeriesInstanceUID=f"{STUDY}.2")))
    assert moved.arrival is Arrival.CONFLICTING
    assert not moved.is_first_copy
    assert moved.path.startswith(f"{STUDY}/{STUDY}.2/")
    assert data_set_of(spool.folder / first.path) == FIRST


def test_reading_a_file_again_gives_what_was_stored(spool: Spool) -> None:
    for data_set in (FIRST, OTHER):
        stored = store(spool, data_set)
        read = spool.read(stored.path)
        assert abs(read.received - stored.received) < timedelta(seconds=5)
        assert read == StoredInstance(**{**vars(stored), "received": read.received})


def test_a_file_that_is_not_dicom_is_not_read(spool: Spool) -> None:
    for content in (b"", b"x" * 500, bytes(128) + b"DICM" + b"\0" * 30):
        (spool.folder / "1.2" / "1.3").mkdir(parents=True, exist_ok=True)
        (spool.folder / "1.2" / "1.3" / "1.4.dcm").write_bytes(content)
        with pytest.raises(NotDicomFileError):
            spool.read("1.2/1.3/1.4.dcm")


def test_opening_removes_what_was_half_written(tmp_path: Path, spool: Spool) -> None:
    stored = store(spool, FIRST)
    (spool.folder / "incoming" / "x.part").write_bytes(b"half")
    Spool(tmp_path).open()
    assert list((spool.folder / "incoming").iterdir()) == []
    assert list(spool.paths()) == [stored.path]


def test_a_failed_write_leaves_nothing(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    store(spool, FIRST)
    (spool.folder / STUDY / f"{STUDY}.2").write_bytes(b"a file where a folder belongs")
    header = InstanceHeader(STUDY, f"{STUDY}.2", f"{STUDY}.2.1", MRImageStorage)
    with pytest.raises(OSError, match=r".+"):
        spool.store(FIRST, header, META)
    assert list((spool.folder / "incoming").iterdir()) == []
    assert len(list(spool.paths())) == 1


def test_the_bytes_and_the_name_are_on_disk_before_the_answer(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real calls are made; only their order is taken down."""
    done: list[str] = []
    fsync, rename, synchronize = os.fsync, os.rename, durable.synchronize_folder

    def note_fsync(descriptor: int) -> None:
        done.append(f"fsync {Path(f'/proc/self/fd/{descriptor}').resolve().suffix or 'folder'}")
        fsync(descriptor)

    def note_rename(source: str, target: str) -> None:
        done.append("rename")
        rename(source, target)

    def note_folder(folder: Path | str) -> None:
        done.append(f"folder {Path(folder).name}")
        synchronize(folder)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "rename", note_rename)
    monkeypatch.setattr("deploy.node.spool.spool.synchronize_folder", note_folder)
    store(spool, FIRST)
    new = [f"folder {name}" for name in ("spool", STUDY)]
    series = f"folder {STUDY}.1"
    # Complete, with its self-check, before it has its name.
    steps = ("rename", "fsync .dcm", *new, series)
    assert [step for step in done if step in steps] == [*new, "rename", "fsync .dcm", series]

    # The process that made the folders and the file may have been killed before their entries were on disk.
    after_restart = Spool(spool.folder.parent)
    done.clear()
    store(after_restart, FIRST)
    assert [step for step in done if step in steps] == [*new, "fsync .dcm", series]


def test_many_threads_may_store_the_same_instance(spool: Spool) -> None:
    copies = [encoded(instance(pixels=bytes([value % 3]) * 2048)) for value in range(12)]
    stored: list[StoredInstance] = []
    threads = [threading.Thread(target=lambda copy=copy: stored.append(store(spool, copy))) for copy in copies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    arrivals = sorted(each.arrival.value for each in stored)
    assert arrivals == ["conflicting"] * 2 + ["duplicate"] * 9 + ["new"]
    assert {spool.read(path).sha256 for path in spool.paths()} == {hashlib.sha256(copy).hexdigest() for copy in copies}


def test_many_processes_may_store_the_same_instance(tmp_path: Path, spool: Spool) -> None:
    """Same bytes, other bytes, and a copy that claims another series: one is used, and nothing is lost."""
    copies = [FIRST, OTHER, encoded(instance(SeriesInstanceUID=f"{STUDY}.2"))]
    ready, go = multiprocessing.get_context("fork").Barrier(6), range(20)

    def work(number: int) -> None:
        own = Spool(tmp_path, writer=f"test{number}")
        for index in go:
            data_set = copies[(number + index) % 3].replace(f"{STUDY}.1.1".encode(), f"{STUDY}.1.{index % 9}".encode())
            ready.wait(30)
            store(own, data_set)

    processes = [multiprocessing.get_context("fork").Process(target=work, args=(number,)) for number in range(6)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    kept = [spool.read(path) for path in spool.paths()]
    assert len(kept) == 9 * 3
    assert len({each.sha256 for each in kept}) == 9 * 3
    assert sorted(each.header.sop_instance_uid for each in kept if each.is_first_copy) == sorted(
        f"{STUDY}.1.{number}" for number in range(9)
    )
    assert list((spool.folder / "incoming").iterdir()) == []


def test_a_file_that_is_not_what_its_self_check_says_is_torn(spool: Spool) -> None:
    stored = store(spool, FIRST)
    path = spool.folder / stored.path
    whole = path.read_bytes()
    for torn in (whole[:-100], whole[:2000] + b"\1" * (len(whole) - 2000), whole + b"more"):
        path.write_bytes(torn)
        with pytest.raises(TornFileError):
            spool.read(stored.path)
    aside = spool.set_aside(stored.path)
    assert (spool.folder / aside).read_bytes() == whole + b"more"
    assert list(spool.paths()) == []


def test_a_file_of_a_version_without_self_checks_is_read_and_known_again(spool: Spool) -> None:
    stored = store(spool, FIRST)
    path = spool.folder / stored.path
    path.write_bytes(encode(META) + FIRST)
    assert spool.read(stored.path).sha256 == stored.sha256
    assert store(spool, FIRST).arrival is Arrival.DUPLICATE
    assert store(spool, OTHER).arrival is Arrival.CONFLICTING


def test_an_instance_in_fragments_is_the_same_file(spool: Spool) -> None:
    incoming = spool.begin(META)
    for start in range(0, len(FIRST), 7):
        incoming.write(memoryview(FIRST)[start : start + 7])
    stored = spool.keep(incoming, incoming.header())
    assert data_set_of(spool.folder / stored.path) == FIRST
    assert spool.read(stored.path).sha256 == stored.sha256 == hashlib.sha256(FIRST).hexdigest()
    incoming.discard()
    assert (spool.folder / stored.path).exists()


def test_a_study_that_is_deleted_while_others_wait_for_it_is_made_again(tmp_path: Path, spool: Spool) -> None:
    store(spool, FIRST)
    study = spool.folder / STUDY
    waiting = threading.Thread(target=store, args=(spool, OTHER))
    with spool.lock_study(STUDY):
        waiting.start()
        while not (list((spool.folder / "incoming").iterdir())):
            pass
        shutil.rmtree(study)
    waiting.join(30)
    assert [spool.read(path).sha256 for path in spool.paths()] == [hashlib.sha256(OTHER).hexdigest()]
