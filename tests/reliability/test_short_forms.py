"""The short forms of what ``make test-reliability`` does at length (docs/reliability.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reliability import disk_full, fuzz_network, kills, states
from tests.reliability.filesystem import CannotMountError
from tests.reliability.hospital import PEAK, arrivals, images
from tests.reliability.load import Load

pytestmark = [pytest.mark.reliability, pytest.mark.slow]


def test_processes_are_killed_at_random_moments(tmp_path: Path) -> None:
    report = kills.Campaign(tmp_path, seed=4, wave=10, longest_pause=0.1).run(3)
    assert report.findings == []
    assert report.kills.total() >= 3
    assert report.acknowledged >= 10 * 15


def test_a_process_is_killed_in_a_state_of_a_job(tmp_path: Path) -> None:
    pairs = [(states.VERIFYING, "node"), (states.COMMITTING, "receiver")]
    report = states.KilledInStates(tmp_path, seed=1).run(pairs)
    assert report.findings == []
    assert [row.name for row in report.rows] == [f"{state} x {victim}" for state, victim in pairs]


def test_an_app_that_goes_wrong_is_named_and_the_next_study_does_not_notice(tmp_path: Path) -> None:
    report = states.faults(tmp_path, seed=1)
    assert report.findings == []
    assert [row.outcome.split(": ")[1] for row in report.rows] == ["timed-out", "out-of-memory", "crashed"]


def test_a_real_filesystem_is_filled(tmp_path: Path) -> None:
    try:
        report = disk_full.fill(tmp_path / "full", seed=1, megabytes=64, reserve_gib=0.0)
    except CannotMountError as error:
        pytest.skip(f"no filesystem can be mounted: {error}")
    assert report.findings == []


def test_malformed_conversations(tmp_path: Path) -> None:
    report = fuzz_network.Campaign(tmp_path, seed=1).run(range(1500))
    assert report.findings == []
    assert report.cases == 1500


def test_the_load_is_of_the_published_size() -> None:
    hour = arrivals(1, 3600.0, 100.0)
    for kind, megabytes in zip(PEAK, (30, 9.2, 32, 262, 26), strict=True):
        assert kind.megabytes == pytest.approx(megabytes, rel=0.01)
        count = sum(arrival.kind is kind for arrival in hour)
        assert count == pytest.approx(kind.per_hour * 100, rel=0.15)
    first = next(arrival for arrival in hour if arrival.kind.name == "X-ray")
    assert len({image.sop_instance_uid for image in images(first)}) == 3


def test_a_node_stands_the_beginning_of_the_load(tmp_path: Path) -> None:
    # What has to hold on any machine; how long it takes is for the long form to tell.
    report = Load(tmp_path, 1, 3.0, 30.0, quiet_seconds=1.0).run()
    assert report.studies == len(report.beyond) > 3
    assert [finding for finding in report.findings if "within" not in finding] == []
