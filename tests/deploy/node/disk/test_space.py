"""Free space as the file system says, with a reserve that lies just above or just below it."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import select

from deploy.node.config import DiskConfig
from deploy.node.database import Database, DiskSample, Event
from deploy.node.disk import Space
from deploy.node.disk.fill import bytes_per_second, disk_samples, seconds_to_level
from deploy.node.disk.watch import SpaceWatch

NOON = datetime(2026, 1, 5, 12, tzinfo=timezone.utc)

MARGIN = 1 << 28
"""What other programs may write or delete while a test runs."""


def reserve(folder: Path, share: float) -> DiskConfig:
    """A reserve of which ``share`` is free."""
    return DiskConfig(reserve_gib=shutil.disk_usage(folder).free / share / 2**30)


@pytest.mark.parametrize(
    ("share", "association", "instance", "run"),
    [
        (2.0, True, True, True),
        (1.2, False, True, True),
        (0.8, False, False, True),
        (0.2, False, False, False),
    ],
)
def test_each_use_ends_at_its_own_level(
    tmp_path: Path, share: float, association: bool, instance: bool, run: bool
) -> None:
    space = Space(tmp_path, reserve(tmp_path, share))
    assert (space.has_room_for_association(), space.has_room(1), space.has_room_for_run()) == (
        association,
        instance,
        run,
    )


def test_what_was_granted_counts_before_it_is_written(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    space = Space(tmp_path, DiskConfig(reserve_gib=(free // 2) / 2**30))
    assert space.has_room(free // 2 - MARGIN)
    assert not space.has_room(2 * MARGIN)


def test_what_is_larger_than_the_disk_has_no_room(tmp_path: Path) -> None:
    space = Space(tmp_path, DiskConfig(reserve_gib=0))
    assert space.has_room(1)
    assert not space.has_room(2 * space.free_bytes())
    assert not space.has_room_for_run(2 * space.free_bytes())


def test_low_room_is_told_once_and_so_is_its_return(tmp_path: Path, database: Database) -> None:
    space = Space(tmp_path, reserve(tmp_path, 0.5))
    watch = SpaceWatch(space, database)
    for _ in range(3):
        watch.look()
    space.reserve_bytes //= 10
    for _ in range(3):
        watch.look()
    with database.read() as session:
        assert [event.kind for event in session.scalars(select(Event))] == ["disk-low", "disk-room"]


def test_room_that_hardly_returned_is_not_told(tmp_path: Path, database: Database) -> None:
    space = Space(tmp_path, reserve(tmp_path, 0.5))
    watch = SpaceWatch(space, database)
    watch.look()
    space.reserve_bytes = int(space.free_bytes() / 1.2)
    watch.look()
    with database.read() as session:
        assert [event.kind for event in session.scalars(select(Event))] == ["disk-low"]


def samples(*free: int) -> list[DiskSample]:
    """One a minute."""
    return [DiskSample(at=NOON + timedelta(minutes=minute), free=each) for minute, each in enumerate(free)]


def test_time_to_full_is_a_line_through_the_samples() -> None:
    falling = samples(*(10_000 - 600 * minute for minute in range(10)))
    assert bytes_per_second(falling) == pytest.approx(10.0)
    assert seconds_to_level(falling, 2_600) == pytest.approx(200.0)
    assert seconds_to_level(falling, 9_000) == 0.0
    assert seconds_to_level(samples(10, 20), 5) is None
    assert seconds_to_level(samples(10), 5) is None
    assert seconds_to_level([], 5) is None


def test_samples_are_of_the_last_day_only(tmp_path: Path, database: Database) -> None:
    now = datetime.now(timezone.utc)
    with database.write() as session:
        session.add(DiskSample(at=now - timedelta(days=2), free=1))
        session.add(DiskSample(at=now - timedelta(hours=2), free=2))
    space = Space(tmp_path, DiskConfig(reserve_gib=0))
    for _ in range(2):
        SpaceWatch(space, database).look()
    with database.read() as session:
        found = disk_samples(session)
    assert len(found) == 2
    assert found[0].free == 2
    assert found[1].at >= now
