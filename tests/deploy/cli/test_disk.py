"""``gantry disk``, ``gantry backup`` and ``gantry restore``."""

from __future__ import annotations

from pathlib import Path

import yaml

from deploy.node.database import JobState
from deploy.node.lock import lock_data_folder
from tests.deploy.cli.conftest import Gantry
from tests.deploy.node.disk.kept import Kept, delivery


def keep_days(config: Path, days: float) -> Kept:
    content = yaml.safe_load(config.read_text())
    content["disk"] = {"keep_delivered_days": days, "reserve_gib": 0.001}
    config.write_text(yaml.safe_dump(content))
    return Kept(config.parent / "data")


def test_show_tells_room_and_why_studies_are_kept(gantry: Gantry, config: Path) -> None:
    kept = keep_days(config, 30)
    kept.add_job(kept.add_study(1, age=5), JobState.DELIVERED, age=5, deliveries=[delivery("1.1")])
    kept.add_study(2, decided=False)
    kept.add_job(kept.add_study(3), JobState.REFUSED, deliveries=[delivery("3.1")])
    kept.add_job(kept.add_study(4), JobState.REFUSED)
    kept.add_job(kept.add_study(5), JobState.FAILED, deliveries=[delivery("5.1")])
    kept.add_study(6)
    result = gantry("disk", "show", "--config", config)
    assert result.exit_code == 0, result.stderr
    for text in ("1.0 MiB; below it images are refused", "not in sight", "30 days", "for ever", "images", "results"):
        assert text in result.stdout
    assert "delivered: kept for 30 days" in result.stdout
    for ended in ("refused, the report delivered", "refused, nothing to deliver", "an app failed", "concerns no app"):
        assert ended in result.stdout
    assert "not decided over yet" in result.stdout


def test_clean_says_first_and_then_deletes(gantry: Gantry, config: Path) -> None:
    kept = keep_days(config, 1)
    uid = kept.add_study(1, age=5)
    kept.add_job(uid, JobState.DELIVERED, age=5, deliveries=[delivery("1.1")])
    result = gantry("disk", "clean", "--dry-run", "--config", config)
    assert uid in result.stdout
    assert "1 studies would be deleted" in result.stdout
    assert kept.rows(uid) == 2
    with lock_data_folder(kept.folder):
        assert "the node is running" in gantry("disk", "clean", "--config", config).stderr
    assert "1 studies deleted" in gantry("disk", "clean", "--config", config).stdout
    assert kept.rows(uid) == 0


def test_one_study_is_deleted_by_name_unless_it_is_needed(gantry: Gantry, config: Path) -> None:
    kept = keep_days(config, 1)
    ended, needed = kept.add_study(1), kept.add_study(2, decided=False)
    assert "2 images deleted" in gantry("disk", "clean", "--study", ended, "--config", config).stdout
    result = gantry("disk", "clean", "--study", needed, "--config", config)
    assert result.exit_code == 1
    assert "it is needed" in result.stderr


def test_backup_and_restore(gantry: Gantry, config: Path) -> None:
    kept = keep_days(config, 1)
    uid = kept.add_study(1)
    copy = config.parent / "copy"
    assert "2 images and 0 files of results" in gantry("backup", copy, "--config", config).stdout
    assert "is not empty" in gantry("backup", copy, "--config", config).stderr
    assert "is not empty" in gantry("restore", copy, "--config", config).stderr
    kept.database.close()
    kept.folder.rename(config.parent / "lost")
    assert "holds no whole backup" in gantry("restore", config.parent / "lost", "--config", config).stderr
    assert gantry("restore", copy, "--config", config).exit_code == 0
    assert Kept(kept.folder).rows(uid) == 2
