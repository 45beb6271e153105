"""The whole node as a process: from C-STORE to the archive, its outcomes, its end."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from pydicom import dcmread

from deploy.node.database import JobState
from deploy.node.threads import Threads
from phantoms.mr_brain.dicom import BrainMRStudy
from phantoms.send import SendError
from tests.deploy.node.archive import Archive
from tests.deploy.node.running_node import REPOSITORY, RunningNode


def test_study_comes_back_analysed_once(tmp_path: Path, brain_study: BrainMRStudy) -> None:
    with Archive() as archive, RunningNode(tmp_path, archive) as node:
        node.send(*brain_study.paths)
        archive.wait_for(2)
        node.wait_for(lambda: node.jobs()[0].state is JobState.DELIVERED)
        # The same study again: nothing new can come of it.
        node.send(*brain_study.paths)
        node.wait_for(lambda: node.log.count("no image for") == 1 and node.log.count("there already") == 1)
        assert node.stop() == 0
        (job,) = node.jobs()
        (outcome,) = node.outcomes()
    assert len(archive.stored) == len(set(archive.sop_instance_uids)) == 2
    source = dcmread(brain_study.paths[0])
    for result in archive.stored:
        for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "AccessionNumber"):
            assert result.get(keyword) == source.get(keyword)
    assert job.attempts == 1
    assert outcome.endswith("bright voxels")


def test_node_that_stops_gives_its_job_back_and_the_next_one_finishes_it(
    tmp_path: Path, brain_study: BrainMRStudy
) -> None:
    with Archive() as archive, RunningNode(tmp_path, archive) as node:
        (node.control / "hold").touch()
        node.send(*brain_study.series["FLAIR"].paths)
        node.wait_for((node.control / "running").exists)
        assert node.stop() == 0
        assert (node.jobs()[0].state, node.jobs()[0].attempts) == (JobState.QUEUED, 0)
        (node.control / "hold").unlink()
        node.start()
        archive.wait_for(2)


def test_two_nodes_cannot_share_a_data_folder(tmp_path: Path) -> None:
    with RunningNode(tmp_path, Archive()) as node:
        second = subprocess.run(
            [sys.executable, "-m", "tests.deploy.node.node_process", str(node.config)],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode != 0
        assert node.process is not None
        assert f"is in use by another node (process {node.process.pid})" in second.stderr
        assert node.stop() == 0


def test_node_ends_when_a_part_of_it_fails(tmp_path: Path) -> None:
    with RunningNode(tmp_path, Archive()) as node:
        connection = sqlite3.connect(node.data / "index.sqlite")
        connection.execute("ALTER TABLE studies RENAME TO gone")
        connection.close()
        assert node.wait_until_ended() == 1
        assert "readiness failed: the node stops" in node.log
        assert "no such table: studies" in node.log


def test_node_outlives_a_full_disk(tmp_path: Path, brain_study: BrainMRStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real file system of 32 MB that is filled to the last byte while a job waits, and emptied again."""
    monkeypatch.setenv("GANTRY_DISK__RESERVE_GIB", "0.004")
    with (
        Archive() as archive,
        small_file_system(tmp_path / "data"),
        RunningNode(tmp_path, archive, lease_seconds=1.0) as node,
    ):
        (node.control / "hold").touch()
        node.send(*brain_study.series["FLAIR"].paths)
        node.wait_for((node.control / "running").exists)
        fill(node.data / "filler")
        (node.control / "hold").unlink()
        node.wait_for(lambda: "database or disk is full" in node.log)
        assert node.process is not None
        assert node.process.poll() is None
        node.wait_for(lambda: '"disk-low"' in node.log)
        with pytest.raises(SendError, match="congestion"):
            node.send(*brain_study.series["FLAIR"].paths)
        (node.data / "filler").unlink()
        archive.wait_for(2)
        node.wait_for(lambda: '"disk-room"' in node.log)
        node.wait_for(lambda: [job.state for job in node.jobs()] == [JobState.DELIVERED])
        assert node.stop() == 0


@contextmanager
def small_file_system(folder: Path) -> Iterator[None]:
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("a file system cannot be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass


def be_patient(stop: threading.Event) -> None:
    assert stop.wait(30)


def test_threads_end_together_when_one_fails(capsys: pytest.CaptureFixture[str]) -> None:
    threads = Threads()
    threads.start("patient", be_patient)

    def fail(stop: threading.Event) -> None:
        raise ValueError("a mistake")

    threads.start("hasty", fail)
    threads.wait()
    threads.join()
    assert threads.failed
    assert "hasty failed: the node stops" in capsys.readouterr().err


def test_thread_that_ends_early_has_failed() -> None:
    threads = Threads()
    threads.start("early", lambda stop: None)
    threads.wait()
    threads.join()
    assert threads.failed


def test_stop_is_no_failure() -> None:
    threads = Threads()
    threads.start("patient", be_patient)
    threads.stop_from_signal()
    threads.wait()
    threads.join()
    assert not threads.failed
