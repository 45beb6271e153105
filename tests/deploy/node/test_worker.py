"""The worker with a real spool, database and engine: from a received study to the outbox, and every way to fail."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from sqlalchemy import select

from deploy.node import file_meta, jobs
from deploy.node.config import AppConfig, NodeConfig, ReadinessConfig
from deploy.node.database import Database, Delivery, Event, Job, JobState, Study, open_database
from deploy.node.engines.local import LocalEngine
from deploy.node.header import read_header
from deploy.node.index import index_instance
from deploy.node.jobs import RETRIES
from deploy.node.readiness import Readiness
from deploy.node.route import route_study, routed_apps
from deploy.node.spool import Spool
from deploy.node.verify import verify_results
from deploy.node.worker import Worker
from operators.outcome import Outcome
from phantoms.mr_brain.dicom import BrainMRStudy
from tests.deploy.node import tiny_app
from tests.waiting import until


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that tells the tiny app what to do."""
    return tmp_path_factory.mktemp("control")


@pytest.fixture(scope="module")
def warm_engine(control: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngine]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINY_APP", str(control))
        engine = LocalEngine(tmp_path_factory.mktemp("logs"), target=tiny_app.TARGET)
        yield engine
        engine.close()


@pytest.fixture
def engine(warm_engine: LocalEngine, control: Path) -> LocalEngine:
    for path in control.iterdir():
        path.unlink()
    return warm_engine


class Node:
    """What lies before and around the worker; ``data`` is the data folder."""

    def __init__(self, database: Database, engine: LocalEngine, data: Path) -> None:
        self.database = database
        self.engine = engine
        self.data = data
        self.spool = Spool(data)
        self.spool.open()
        self.results = 0

    def receive(self, paths: Iterable[Path]) -> None:
        for path in paths:
            with path.open("rb") as file:
                meta = file_meta.decode(file)
                data_set = file.read()
            stored = self.spool.store(data_set, read_header(data_set, meta.transfer_syntax_uid), meta)
            with self.database.write() as session:
                index_instance(session, stored)

    def worker(self, **settings: Any) -> Worker:
        config = AppConfig(**{"destinations": ("pacs", "research"), "maximum_attempts": 2, **settings})
        node = NodeConfig.model_construct(apps={tiny_app.APP: config}, destinations={})
        apps = routed_apps(node)
        readiness = Readiness(
            self.database,
            self.spool,
            apps,
            ReadinessConfig(quiet_seconds=0, maximum_wait_seconds=0),
            lambda _: False,
        )
        for study in readiness.ready_studies():
            route_study(self.database, study, apps)

        def on_results() -> None:
            self.results += 1

        return Worker(
            apps[tiny_app.APP],
            config,
            self.database,
            self.spool,
            self.engine,
            self.data,
            lease_seconds=60.0,
            on_results=on_results,
            retries={kind: replace(retry, first_seconds=0.001) for kind, retry in RETRIES.items()},
        )

    def job(self) -> Job:
        (job,) = self.jobs()
        return job

    def jobs(self) -> list[Job]:
        with self.database.read() as session:
            return list(session.scalars(select(Job).order_by(Job.id)))

    def deliveries(self) -> list[Delivery]:
        with self.database.read() as session:
            return list(session.scalars(select(Delivery).order_by(Delivery.id)))

    def study_outcome(self) -> str:
        with self.database.read() as session:
            return session.scalars(select(Study)).one().outcome


@pytest.fixture
def node(database: Database, engine: LocalEngine, tmp_path: Path) -> Node:
    return Node(database, engine, tmp_path)


@pytest.fixture
def flair(brain_study: BrainMRStudy) -> tuple[Path, ...]:
    return brain_study.series["FLAIR"].paths


def work(worker: Worker) -> None:
    while worker.work_once():
        # A job that failed is due again after a millisecond.
        time.sleep(0.005)


def test_results_are_in_the_outbox_for_every_destination(node: Node, flair: tuple[Path, ...]) -> None:
    node.receive(flair)
    work(node.worker())
    assert node.job().state is JobState.DELIVERING
    found = {(row.destination, row.path) for row in node.deliveries()}
    assert found == {(name, f"1/{file}.dcm") for name in ("pacs", "research") for file in ("lesions", "report")}
    for row in node.deliveries():
        header = dcmread(node.data / "outbox" / row.path, stop_before_pixels=True)
        assert (header.SOPInstanceUID, header.SOPClassUID) == (row.sop_instance_uid, row.sop_class_uid)
    assert Outcome.load(node.data / "outbox" / "1").input_digest == node.job().input_digest
    assert node.results == 1
    assert node.study_outcome().endswith("bright voxels; not yet delivered")
    assert list((node.data / "work").iterdir()) == []


def test_app_sees_the_instances_of_its_job_and_nothing_else(
    node: Node, brain_study: BrainMRStudy, control: Path, flair: tuple[Path, ...]
) -> None:
    # Three slices are no T1 series that could be analysed.
    node.receive([*flair, *brain_study.series["T1"].paths[:3]])
    worker = node.worker()
    (control / "hold").touch()
    thread = threading.Thread(target=worker.work_once)
    thread.start()
    until((control / "running").exists)
    given = {path.stem: path.stat().st_nlink for path in (node.data / "work").glob("1-*/input/*")}
    (control / "hold").unlink()
    thread.join()
    # Two links: the instances are not copied.
    assert given == dict.fromkeys((str(dcmread(path).SOPInstanceUID) for path in flair), 2)


def test_refusal_is_reported(node: Node, flair: tuple[Path, ...]) -> None:
    node.receive(flair[:3])
    work(node.worker(destinations=("pacs",)))
    assert (node.job().state, node.job().reason) == (JobState.DELIVERING, "no-suitable-series")
    assert [row.path for row in node.deliveries()] == ["1/report.dcm"]
    assert "not analysed: No suitable series in the study: no series for" in node.study_outcome()


def test_refusal_is_not_reported_where_that_is_not_wanted(node: Node, flair: tuple[Path, ...]) -> None:
    node.receive(flair[:3])
    work(node.worker(report_refusals=False))
    assert (node.job().state, node.job().reason) == (JobState.REFUSED, "no-suitable-series")
    assert node.deliveries() == []


@pytest.mark.parametrize(
    ("misbehaviour", "attempts", "reason", "detail"),
    [
        ("raise", 1, "raised", "ValueError: the app's own mistake"),
        ("miscount", 2, "verification", "lesions.dcm: segment 1 has"),
    ],
)
def test_failure_is_tried_again_and_then_told(
    node: Node, flair: tuple[Path, ...], control: Path, misbehaviour: str, attempts: int, reason: str, detail: str
) -> None:
    (control / "misbehave").write_text(misbehaviour)
    node.receive(flair)
    work(node.worker(maximum_attempts=attempts))
    job = node.job()
    assert (job.state, job.reason, job.attempts) == (JobState.FAILED, reason, attempts)
    assert detail in job.detail
    assert "not analysed: " in node.study_outcome()
    assert (control / "runs").read_text().count("run") == attempts
    assert node.deliveries() == []


def test_run_that_takes_too_long_fails(node: Node, flair: tuple[Path, ...], control: Path) -> None:
    (control / "hold").touch()
    node.receive(flair)
    node.worker(timeout_seconds=0.2, maximum_attempts=1).work_once()
    assert (node.job().state, node.job().reason) == (JobState.FAILED, "timed-out")


def test_app_that_fails_once_succeeds_the_second_time(node: Node, flair: tuple[Path, ...], control: Path) -> None:
    (control / "misbehave").write_text("kill once")
    node.receive(flair)
    work(node.worker())
    assert (node.job().state, node.job().reason, node.job().attempts) == (JobState.DELIVERING, "", 2)


def test_failed_job_that_is_retried_gives_its_results(node: Node, flair: tuple[Path, ...], control: Path) -> None:
    (control / "misbehave").write_text("miscount")
    node.receive(flair)
    worker = node.worker(maximum_attempts=1)
    work(worker)
    (control / "misbehave").unlink()
    jobs.retry(node.database, node.job().id, asked_by="somebody")
    work(worker)
    assert node.job().state is JobState.DELIVERING


def test_crash_between_the_move_to_the_outbox_and_the_database_repeats_safely(
    node: Node, flair: tuple[Path, ...]
) -> None:
    node.receive(flair)
    worker = node.worker(destinations=("pacs",))
    work(worker)
    first = {path.name: path.read_bytes() for path in (node.data / "outbox" / "1").glob("*.dcm")}
    (node.data / "outbox" / "1" / "remnant.dcm").touch()
    with node.database.write() as session:
        for row in session.scalars(select(Delivery)):
            session.delete(row)
        job = session.scalars(select(Job)).one()
        job.state = JobState.QUEUED
    work(worker)
    assert {path.name: path.read_bytes() for path in (node.data / "outbox" / "1").glob("*.dcm")} == first
    assert len(node.deliveries()) == 2


def test_job_from_before_a_change_of_settings_gives_way_to_a_new_one(
    node: Node, flair: tuple[Path, ...], control: Path
) -> None:
    node.receive(flair)
    node.worker()
    changed = {"minimum_lesion_volume_mm3": 5.0}
    work(node.worker(settings=changed))
    assert (node.job().state, node.job().reason) == (JobState.FAILED, "outdated")
    assert not (control / "runs").exists()
    work(node.worker(settings=changed))
    assert [job.state for job in node.jobs()] == [JobState.FAILED, JobState.DELIVERING]
    assert node.study_outcome().endswith("bright voxels; not yet delivered")


def test_settings_that_are_changed_back_give_the_first_job_its_turn(
    node: Node, flair: tuple[Path, ...], control: Path
) -> None:
    node.receive(flair)
    node.worker()
    changed = {"minimum_lesion_volume_mm3": 5.0}
    work(node.worker(settings=changed))
    # The second job is queued when the first settings come back.
    node.worker(settings=changed)
    work(node.worker())
    assert [job.reason for job in node.jobs()] == ["outdated", "outdated"]
    work(node.worker())
    assert [job.state for job in node.jobs()] == [JobState.DELIVERING, JobState.FAILED]
    assert node.study_outcome().endswith("bright voxels; not yet delivered")
    assert (control / "runs").read_text().count("run") == 1


def test_mistake_of_the_node_fails_this_job_only(
    node: Node, flair: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistake(*_: object, **__: object) -> None:
        raise KeyError("a mistake of ours")

    node.receive(flair)
    monkeypatch.setattr("deploy.node.worker.verify_results", mistake)
    work(node.worker(maximum_attempts=1))
    assert (node.job().state, node.job().reason) == (JobState.FAILED, "node")
    assert "KeyError: 'a mistake of ours'" in node.study_outcome()


def test_locked_database_is_waited_for(
    engine: LocalEngine, tmp_path: Path, flair: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.node.database.connection.BUSY_TIMEOUT_SECONDS", 0.01)
    monkeypatch.setattr("deploy.node.bell._DATABASE_SECONDS", 0.01)
    opened = open_database(tmp_path)
    node = Node(opened, engine, tmp_path)
    node.receive(flair)
    worker = node.worker()
    other = sqlite3.connect(tmp_path / "index.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    stop = threading.Event()
    told = threading.Event()
    monkeypatch.setattr("deploy.node.bell.log", lambda kind, text: told.set())
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    assert told.wait(60)
    other.close()
    until(lambda: node.job().state is JobState.DELIVERING)
    stop.set()
    thread.join()
    opened.close()


def test_lost_input_fails_this_job_only(node: Node, flair: tuple[Path, ...]) -> None:
    node.receive(flair)
    worker = node.worker(maximum_attempts=1)
    shutil.rmtree(node.spool.folder)
    work(worker)
    assert (node.job().state, node.job().reason) == (JobState.FAILED, "storage")


def test_stop_gives_the_job_back(
    node: Node, flair: tuple[Path, ...], control: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINY_APP", str(control))
    node.engine = LocalEngine(tmp_path / "logs", target=tiny_app.TARGET)
    (control / "hold").touch()
    node.receive(flair)
    worker = node.worker()
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    until((control / "running").exists)
    stop.set()
    node.engine.close()
    thread.join()
    assert (node.job().state, node.job().attempts) == (JobState.QUEUED, 0)


def begin_work(node: Node, worker: Worker, control: Path) -> threading.Thread:
    """Return when the app is running."""
    (control / "hold").touch()
    thread = threading.Thread(target=worker.work_once)
    thread.start()
    until((control / "running").exists)
    return thread


def test_running_job_that_is_cancelled_ends_and_can_be_tried_again(
    node: Node, flair: tuple[Path, ...], control: Path
) -> None:
    node.receive(flair)
    worker = node.worker()
    thread = begin_work(node, worker, control)
    assert jobs.cancel(node.database, node.job().id, asked_by="alice") is JobState.RUNNING
    thread.join()
    assert (node.job().state, node.job().reason, node.job().detail) == (JobState.CANCELLED, "cancelled", "by alice")
    assert node.study_outcome().endswith("not analysed: it was cancelled: by alice")
    assert list((node.data / "work").iterdir()) == []
    (control / "hold").unlink()
    jobs.retry(node.database, node.job().id, asked_by="alice")
    work(worker)
    assert node.job().state is JobState.DELIVERING


def test_cancelled_while_it_is_verified_leaves_nothing_in_the_outbox(
    node: Node, flair: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def verify_slowly(*arguments: Any, **named: Any) -> Any:
        jobs.cancel(node.database, node.job().id, asked_by="alice")
        return verify_results(*arguments, **named)

    node.receive(flair)
    monkeypatch.setattr("deploy.node.worker.verify_results", verify_slowly)
    work(node.worker())
    assert node.job().state is JobState.CANCELLED
    assert node.deliveries() == []
    assert list((node.data / "outbox").iterdir()) == []


def test_run_whose_lease_is_lost_is_ended_before_its_end(node: Node, flair: tuple[Path, ...], control: Path) -> None:
    node.receive(flair)
    thread = begin_work(node, node.worker(), control)
    jobs.release_leases(node.database)
    # The app would go on for ever.
    thread.join(60)
    assert not thread.is_alive()
    assert (node.job().state, node.job().failures) == (JobState.QUEUED, {"lost-lease": 1})


def test_poison_study_does_not_stop_the_others_and_is_told(
    node: Node, brain_study: BrainMRStudy, control: Path
) -> None:
    node.receive(brain_study.series["FLAIR"].paths)
    worker = node.worker(maximum_attempts=1)
    (control / "misbehave").write_text("kill once")
    work(worker)
    assert (node.job().state, node.job().reason) == (JobState.FAILED, "crashed")
    node.receive(brain_study.series["T1"].paths)
    work(node.worker(maximum_attempts=1))
    assert [job.state for job in node.jobs()] == [JobState.FAILED, JobState.DELIVERING]
    with node.database.read() as session:
        (event,) = session.scalars(select(Event).where(Event.kind == "poison-study"))
    assert (event.job_id, "ended 1 times over this study" in event.text) == (1, True)


def test_run_above_the_memory_limit_fails_with_figures(node: Node, flair: tuple[Path, ...], control: Path) -> None:
    (control / "hold").touch()
    node.receive(flair)
    node.worker(memory_limit_gib=0.01, maximum_attempts=1).work_once()
    assert (node.job().state, node.job().reason) == (JobState.FAILED, "out-of-memory")
    assert "GiB, and memory_limit_gib is 0.01" in node.job().detail


def test_worker_begins_nothing_while_there_is_no_room(node: Node, flair: tuple[Path, ...]) -> None:
    node.receive(flair)
    worker = node.worker()
    worker._has_room = lambda: False
    assert not worker.work_once()
    assert (node.job().state, node.job().attempts) == (JobState.QUEUED, 0)
