from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

from deploy.node.database import open_database
from deploy.node.readiness.senders import REMEMBERED_STUDIES, known_pauses, learn_pauses, longest_pauses

START = datetime(2026, 1, 5, 9, 0, tzinfo=timezone.utc)


def arrivals(sender: str, *seconds: float) -> list[tuple[str, datetime]]:
    return [(sender, START + timedelta(seconds=second)) for second in seconds]


def test_the_longest_pause_of_each_sender_whatever_the_order() -> None:
    found = longest_pauses([*arrivals("CT", 3, 0, 10, 1), *arrivals("MR", 0, 1), *arrivals("", 0, 9)], 60)
    assert found == {"CT": 7.0, "MR": 1.0}


def test_a_second_sending_is_no_pause() -> None:
    assert longest_pauses(arrivals("CT", 0, 2, 3600, 3603), 60) == {"CT": 3.0}


def test_one_image_has_no_pause() -> None:
    assert longest_pauses(arrivals("CT", 0), 60) == {"CT": 0.0}


def test_only_the_last_studies_are_remembered(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    for pause in (50.0, *[2.0] * (REMEMBERED_STUDIES - 1)):
        with database.write() as session:
            learn_pauses(session, {"CT": pause})
    with database.read() as session:
        assert known_pauses(session) == {"CT": 50.0}
    with database.write() as session:
        learn_pauses(session, {"CT": 3.0, "MR": 1.0})
    with database.read() as session:
        assert known_pauses(session) == {"CT": 3.0, "MR": 1.0}
    database.close()
