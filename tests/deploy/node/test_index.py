from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from deploy.node.access import Rejections
from deploy.node.database import Instance, Study
from deploy.node.index import ReceiveIndex, reconcile
from deploy.node.job_input import job_input
from deploy.node.spool import Arrival
from tests.deploy.node.node import Node
from tests.deploy.node.sending import STUDY, encoded, instance, write_file


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path / "node", {})


def files(folder: Path, *numbers: int, **more: object) -> list[Path]:
    return [
        write_file(
            folder / f"{number}.dcm",
            encoded(instance(number, **more)),  # type: ignore[arg-type]
            sop_instance_uid=f"{STUDY}.1.{number}",
        )
        for number in numbers
    ]


def rows(node: Node) -> dict[str, Instance]:
    with node.database.read() as session:
        return {row.path: row for row in session.scalars(select(Instance))}


def decide(node: Node) -> None:
    with node.database.write() as session:
        study = session.get_one(Study, STUDY)
        study.decided = study.last_received


def test_a_new_image_makes_the_study_undecided_again(node: Node, tmp_path: Path) -> None:
    node.receive(files(tmp_path, 1))
    decide(node)
    node.receive(files(tmp_path, 1))
    assert node.study().decided is not None, "a duplicate brings nothing to decide over"
    before = node.study().last_received
    node.wait(1)
    node.receive(files(tmp_path, 2))
    assert node.study().decided is None
    assert node.study().last_received > before
    assert len(node.events("study-arrived")) == 1


def test_a_conflicting_copy_is_not_used_and_decides_nothing(node: Node, tmp_path: Path) -> None:
    (first,) = node.receive(files(tmp_path, 1))
    decide(node)
    node.receive(files(tmp_path, 1, pixels=b"\1" * 2048))
    assert node.study().decided is not None
    assert len(rows(node)) == 2
    with node.database.read() as session:
        assert job_input(session, node.spool, STUDY, [f"{STUDY}.1.1"]).study == (node.spool.folder / first.path,)


def test_a_file_that_was_never_indexed_is_found_at_the_start(node: Node, tmp_path: Path) -> None:
    node.receive(files(tmp_path, 1, 2, 3))
    before = rows(node)
    with node.database.write() as session:
        for row in session.scalars(select(Instance).where(Instance.sop_instance_uid != f"{STUDY}.1.2")):
            session.delete(row)
    decide(node)
    assert reconcile(node.database, node.spool) == 2
    after = rows(node)
    assert {path: row.sha256 for path, row in after.items()} == {path: row.sha256 for path, row in before.items()}
    assert {row.calling_ae_title for row in after.values()} == {"SCANNER"}
    assert node.study().decided is None
    assert reconcile(node.database, node.spool) == 0


def test_the_whole_index_comes_back_from_the_spool(node: Node, tmp_path: Path) -> None:
    node.receive(files(tmp_path, 1, 2))
    node.receive(files(tmp_path, 2, pixels=b"\1" * 2048))
    again = Node(tmp_path / "other", {})
    assert reconcile(again.database, node.spool) == 3
    with node.database.read() as one, again.database.read() as other:
        for table in (Study, Instance):
            kept, rebuilt = one.scalars(select(table)).all(), other.scalars(select(table)).all()
            assert len(kept) == len(rebuilt)
        assert other.get_one(Study, STUDY).patient_name == "Müller^Jürgen"
    assert {path: row.conflicting for path, row in rows(node).items()} == {
        path: row.conflicting for path, row in rows(again).items()
    }


def test_a_file_that_is_gone_is_forgotten_with_an_event(node: Node, tmp_path: Path) -> None:
    first, second = node.receive(files(tmp_path, 1, 2))
    (node.spool.folder / first.path).unlink()
    assert reconcile(node.database, node.spool) == 0
    assert set(rows(node)) == {second.path}
    assert first.path in node.events("file-gone")[0].text
    with node.database.read() as session, pytest.raises(FileNotFoundError, match=r"1 instances .*498\.1\.1\.1"):
        job_input(session, node.spool, STUDY, [f"{STUDY}.1.1", f"{STUDY}.1.2"])


def test_a_strange_file_in_the_spool_stops_nothing(node: Node, tmp_path: Path) -> None:
    (stored,) = node.receive(files(tmp_path, 1))
    content = (node.spool.folder / stored.path).read_bytes()
    (node.spool.folder / STUDY / f"{STUDY}.1" / "9.dcm").write_bytes(b"no DICOM")
    (node.spool.folder / STUDY / f"{STUDY}.1" / "copy.dcm").write_bytes(content)
    assert reconcile(node.database, node.spool) in (0, 1)
    assert set(rows(node)) == {stored.path}
    (event,) = node.events("unreadable-file")
    assert "9.dcm" in event.text
    assert "DICM" in event.text


def test_a_torn_file_is_set_aside_with_an_event_and_never_indexed(node: Node, tmp_path: Path) -> None:
    first, second = node.receive(files(tmp_path, 1, 2))
    with node.database.write() as session:
        for row in session.scalars(select(Instance)):
            session.delete(row)
    torn = (node.spool.folder / first.path).read_bytes()[:-500]
    (node.spool.folder / first.path).write_bytes(torn)
    assert reconcile(node.database, node.spool) == 1
    assert set(rows(node)) == {second.path}
    (event,) = node.events("torn-file")
    assert (node.spool.folder / str(event.data["path"])).read_bytes() == torn
    assert event.study_instance_uid == STUDY
    # The sender, which has no answer, sends it again.
    (again,) = node.receive(files(tmp_path, 1))
    assert (again.path, again.arrival) == (first.path, Arrival.NEW)


def test_what_the_database_does_not_take_keeps_nothing_else_out(node: Node, tmp_path: Path) -> None:
    stored = node.receive(files(tmp_path, 1, 2, 3))
    with node.database.write() as session:
        for row in session.scalars(select(Instance)):
            session.delete(row)
        statement = "CREATE TRIGGER refuse BEFORE INSERT ON instances WHEN NEW.sop_instance_uid LIKE '%.2' "
        session.connection().exec_driver_sql(statement + "BEGIN SELECT RAISE(ABORT, 'not this one'); END")
    index = ReceiveIndex(node.database, Rejections(node.database))
    with pytest.raises(IntegrityError, match="not this one"):
        index.received(stored)
    assert set(rows(node)) == {stored[0].path, stored[2].path}
