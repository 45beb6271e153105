"""A backup of a node at work, restored; and the same node after its index was lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from deploy.node.backup import BackupError, back_up, nothing_deleted, restore
from deploy.node.database import FILE_NAME, JobState
from deploy.node.recover import check_spool
from deploy.node.spool import Spool
from phantoms.mr_brain.dicom import write_brain_mr
from phantoms.mr_brain.simulate import simulate_brain_mr
from tests.deploy.node.archive import Archive
from tests.deploy.node.disk.kept import Kept
from tests.deploy.node.running_node import RunningNode

DELIVERED, DELIVERING, RUNNING = JobState.DELIVERED, JobState.DELIVERING, JobState.RUNNING


def test_restored_node_goes_on_and_so_does_one_without_its_index(tmp_path: Path) -> None:
    flairs = [
        write_brain_mr(simulate_brain_mr(seed, size="small"), tmp_path / f"study {seed}").series["FLAIR"].paths
        for seed in (1, 2, 3)
    ]
    with Archive() as archive, RunningNode(tmp_path, archive) as node:

        def states() -> list[JobState]:
            return [job.state for job in node.jobs()]

        node.send(*flairs[0])
        node.wait_for(lambda: states() == [DELIVERED])
        archive.answer = lambda _: 0xA700
        node.send(*flairs[1])
        node.wait_for(lambda: states() == [DELIVERED, DELIVERING])
        (node.control / "hold").touch()
        node.send(*flairs[2])
        node.wait_for(lambda: states() == [DELIVERED, DELIVERING, RUNNING])

        copied = back_up(node.data, tmp_path / "copy")
        assert copied.images == sum(map(len, flairs))
        node.kill()
        (node.control / "hold").unlink()
        shutil.rmtree(node.data)
        restore(tmp_path / "copy", node.data)
        archive.answer = lambda _: 0
        node.start()
        node.wait_for(lambda: states() == [DELIVERED] * 3)
        # What was delivered before the backup came once, and the rest once.
        assert len(archive.stored) == len(set(archive.sop_instance_uids)) == 6

        runs = (node.control / "runs").read_text()
        node.kill()
        for path in node.data.glob(f"{FILE_NAME}*"):
            path.unlink()
        node.start()
        archive.wait_for(12)
        node.wait_for(lambda: states() == [DELIVERED] * 3)
        assert node.stop() == 0
        # Sent again are the same objects, and nothing was analysed again.
        first, again = (
            {each.SOPInstanceUID: each for each in half} for half in (archive.stored[:6], archive.stored[6:])
        )
        assert first == again
        assert (node.control / "runs").read_text() == runs
        assert node.log.count("results of an analysis that was lost") == 3


def test_backup_holds_what_the_index_knows_and_nothing_half_done(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "data")
    uid = kept.add_study(1, images=3)
    kept.add_job(uid, DELIVERING)
    for name in ("incoming/node-1.part", "torn/1.2.9/1.2.9.1/1.dcm"):
        (kept.spool.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (kept.spool.folder / name).touch()
    copied = back_up(kept.folder, tmp_path / "copy")
    assert (copied.images, copied.results) == (3, 1)
    restore(tmp_path / "copy", tmp_path / "again")
    again = Kept(tmp_path / "again")
    assert check_spool(again.database, again.spool).sound == 3
    assert again.restart() == 0
    assert sorted(path.name for path in again.spool.folder.iterdir()) == [uid, "incoming"]
    assert Spool(tmp_path / "copy").folder.stat().st_mode & 0o077 == 0


def test_what_is_no_backup_is_not_restored(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "data")
    back_up(kept.folder, tmp_path / "copy")
    (tmp_path / "copy" / "backup.json").unlink()
    with pytest.raises(BackupError, match="no whole backup"):
        restore(tmp_path / "copy", tmp_path / "again")
    with pytest.raises(BackupError, match="in the data folder itself"):
        back_up(kept.folder, kept.folder / "copy")
    with pytest.raises(BackupError, match="no node's index"):
        back_up(tmp_path / "empty", tmp_path / "other")


def test_nothing_is_deleted_while_a_backup_is_made(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    uid = kept.add_study(1, age=5)
    with nothing_deleted(kept.folder):
        assert kept.retention().clean() == 0
    assert kept.rows(uid) == 2
    assert kept.retention().clean() == 1
