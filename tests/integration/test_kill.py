"""SIGKILL of the node while it receives, runs and sends: every study still reaches the archive, once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from deploy.node.database import JobState
from phantoms.mr_brain.dicom import BrainMRStudy, write_brain_mr
from phantoms.mr_brain.simulate import simulate_brain_mr
from phantoms.send import SendError
from tests.deploy.node.archive import Archive
from tests.deploy.node.running_node import RunningNode

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> BrainMRStudy:
    return write_brain_mr(simulate_brain_mr(5, size="small"), tmp_path_factory.mktemp("study"))


def check_delivered_once(node: RunningNode, archive: Archive) -> None:
    archive.wait_for(2)
    node.wait_for(lambda: [job.state for job in node.jobs()] == [JobState.DELIVERED])
    assert node.stop() == 0
    assert len(archive.stored) == len(set(archive.sop_instance_uids)) == 2
    assert len(node.outcomes()) == 1
    assert node.outcomes()[0].endswith("bright voxels")


def test_killed_while_it_receives(tmp_path: Path, study: BrainMRStudy) -> None:
    acknowledged = 0

    def kill_in_the_middle(done: int, total: int) -> None:
        nonlocal acknowledged
        acknowledged = done
        if done == total // 2:
            node.kill()

    # Long enough for the scanner to come back before the node decides over half a study.
    with Archive() as archive, RunningNode(tmp_path, archive, quiet_seconds=6.0) as node:
        with pytest.raises(SendError):
            node.send(*study.paths, on_progress=kill_in_the_middle)
        # What was acknowledged is there, to the last byte.
        kept = {path.stem: path for path in (node.data / "spool").glob("*/*/*.dcm")}
        for path in study.paths[:acknowledged]:
            sent = dcmread(path)
            assert dcmread(kept[sent.SOPInstanceUID]) == sent
        assert acknowledged == len(study.paths) // 2
        node.start()
        # As a scanner does: what it got no answer for, it sends again, with all that belongs to it.
        node.send(*study.paths)
        check_delivered_once(node, archive)
        assert len(node.jobs()[0].sop_instance_uids) == len(study.paths)


def test_killed_after_it_received_everything(tmp_path: Path, study: BrainMRStudy) -> None:
    with Archive() as archive, RunningNode(tmp_path, archive, quiet_seconds=1.0) as node:
        node.send(*study.paths)
        node.kill()
        assert archive.stored == []
        node.start()
        check_delivered_once(node, archive)


def test_killed_while_the_app_runs(tmp_path: Path, study: BrainMRStudy) -> None:
    with Archive() as archive, RunningNode(tmp_path, archive) as node:
        (node.control / "hold").touch()
        node.send(*study.paths)
        node.wait_for((node.control / "running").exists)
        node.kill()
        assert [job.state for job in node.jobs()] == [JobState.RUNNING]
        (node.control / "hold").unlink()
        node.start()
        check_delivered_once(node, archive)
        assert node.jobs()[0].attempts == 2
        assert (node.control / "runs").read_text().count("run") == 2


def test_killed_while_it_sends(tmp_path: Path, study: BrainMRStudy) -> None:
    sending, killed = threading.Event(), threading.Event()

    def answer(_: Dataset) -> int:
        if len(archive.stored) == 1 and not killed.is_set():
            sending.set()
            assert killed.wait(60)
            # The second object did not arrive: its sender is gone.
            return 0xA700
        return 0

    with Archive(answer=answer) as archive, RunningNode(tmp_path, archive) as node:
        node.send(*study.paths)
        assert sending.wait(60)
        node.kill()
        killed.set()
        assert [job.state for job in node.jobs()] == [JobState.DELIVERING]
        node.start()
        check_delivered_once(node, archive)
        assert (node.control / "runs").read_text().count("run") == 1


def test_killed_again_and_again(tmp_path: Path, study: BrainMRStudy) -> None:
    """Wherever the kills fall: the archive may get an object twice, never another one, and there is one job."""
    with Archive() as archive, RunningNode(tmp_path, archive) as node:
        node.send(*study.paths)
        for milliseconds in (100, 900):
            threading.Event().wait(milliseconds / 1000)
            node.kill()
            node.start()
        node.wait_for(lambda: [job.state for job in node.jobs()] == [JobState.DELIVERED])
        assert len(set(archive.sop_instance_uids)) == 2
        assert node.stop() == 0
