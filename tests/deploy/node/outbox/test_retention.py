"""When a job's files may go, and sending them once more."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.node.database import Database, JobState
from deploy.node.jobs import IllegalTransitionError
from deploy.node.outbox import deliverable_files_done, redeliver
from tests.deploy.node.archive import Archive
from tests.deploy.node.outbox.waiting import Waiting, store_destination


@pytest.fixture
def waiting(database: Database, tmp_path: Path) -> Waiting:
    return Waiting(database, tmp_path)


def is_done(waiting: Waiting, job: int) -> bool:
    with waiting.database.read() as session:
        return deliverable_files_done(session, job)


def redeliver_now(waiting: Waiting, job: int) -> int:
    with waiting.database.write() as session:
        return redeliver(session, job, waiting.folder, asked_by="anna")


def test_files_are_needed_until_every_destination_has_them_and_can_be_sent_again(waiting: Waiting) -> None:
    job = waiting.add_job("pacs", "research")
    with pytest.raises(IllegalTransitionError):
        redeliver_now(waiting, job)
    with Archive() as pacs, Archive() as research:
        queues = [
            waiting.queue("pacs", store_destination(pacs.port)),
            waiting.queue("research", store_destination(research.port)),
        ]
        queues[0].deliver_due()
        assert not is_done(waiting, job)
        queues[1].deliver_due()
        assert is_done(waiting, job)
        assert redeliver_now(waiting, job) == 4
        assert not is_done(waiting, job)
        assert waiting.state(job) is JobState.DELIVERING
        for queue in queues:
            queue.deliver_due()
            queue.close()
    assert waiting.state(job) is JobState.DELIVERED
    assert pacs.sop_instance_uids == waiting.uids("pacs") * 2


def test_what_was_deleted_cannot_be_sent_again(waiting: Waiting) -> None:
    job = waiting.add_job("pacs")
    with Archive() as pacs:
        queue = waiting.queue("pacs", store_destination(pacs.port))
        queue.deliver_due()
        queue.close()
    (waiting.folder / "outbox" / str(job) / "2.dcm").unlink()
    with pytest.raises(FileNotFoundError, match=r"2\.dcm is not there any more"):
        redeliver_now(waiting, job)
    assert waiting.state(job) is JobState.DELIVERED
