"""``gantry destinations`` over a node's database, and against an archive."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from deploy.node.database import open_database
from tests.deploy.cli.conftest import Gantry
from tests.deploy.node.outbox.committing import CommittingArchive
from tests.deploy.node.outbox.waiting import Waiting, store_destination


@pytest.fixture
def configured(tmp_path: Path) -> Path:
    """A node with two results for an archive that is down."""
    archive = CommittingArchive()
    address = {"ae_title": "ARCHIVE", "host": "127.0.0.1", "port": archive.port}
    config = tmp_path / "gantry.yaml"
    config.write_text(yaml.safe_dump({"data_folder": str(tmp_path / "data"), "destinations": {"pacs": address}}))
    waiting = Waiting(open_database(tmp_path / "data"), tmp_path / "data")
    waiting.add_job("pacs")
    waiting.queue(
        "pacs", store_destination(archive.port, first_retry_seconds=600, longest_retry_seconds=600)
    ).deliver_due()
    return config


def test_list_tells_what_waits_and_why(gantry: Gantry, configured: Path) -> None:
    shown = gantry("destinations", "list", "--config", str(configured)).stdout
    assert "pacs" in shown
    assert "waiting" in shown
    assert "refused" in shown


def test_resume_makes_everything_due(gantry: Gantry, configured: Path) -> None:
    done = gantry("destinations", "resume", "pacs", "--config", str(configured))
    assert "pacs is tried again at once; 2 instances wait for it" in done.stdout


def test_destination_that_does_not_answer_or_exist_is_an_error(gantry: Gantry, configured: Path) -> None:
    down = gantry("destinations", "test", "pacs", "--config", str(configured))
    assert (down.exit_code, "cannot be reached" in down.stderr) == (1, True)
    unknown = gantry("destinations", "test", "pasc", "--config", str(configured))
    assert (unknown.exit_code, "the destinations are: pacs" in unknown.stderr) == (1, True)


def test_destination_that_answers_is_told(gantry: Gantry, configured: Path) -> None:
    archive = CommittingArchive()
    archive.port = yaml.safe_load(configured.read_text())["destinations"]["pacs"]["port"]
    with archive:
        done = gantry("destinations", "test", "pacs", "--config", str(configured))
    assert (done.exit_code, done.stdout.strip()) == (0, "pacs answers")
