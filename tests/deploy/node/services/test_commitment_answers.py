"""Reports of destinations on the storage commitment that the node has asked for: over an association of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import MRImageStorage
from pynetdicom import AE, build_role
from pynetdicom.association import Association

from deploy.node.database import Delivery, Job, JobState, Study
from deploy.node.services.contexts import STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE
from phantoms.send import leave_answers
from tests.deploy.node.services.asking import Node, reference

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=timezone.utc)


@pytest.fixture
def archive(node: Node) -> Iterator[Association]:
    """A destination that calls the node as the SCP of Storage Commitment."""
    entity = AE(ae_title="SCANNER")
    entity.add_requested_context(STORAGE_COMMITMENT)
    opened = entity.associate(
        "127.0.0.1", node.port, ae_title="GANTRY", ext_neg=[build_role(STORAGE_COMMITMENT, scp_role=True)]
    )
    leave_answers(opened)
    assert opened.is_established
    assert opened.accepted_contexts[0].as_scp
    yield opened
    opened.release()


def report(archive: Association, told: Dataset, event_type: int = 1, uid: str = STORAGE_COMMITMENT_INSTANCE) -> int:
    answer, _ = archive.send_n_event_report(told, event_type, STORAGE_COMMITMENT, uid)
    return int(answer.Status)


def test_a_report_reaches_the_deliveries(node: Node, archive: Association) -> None:
    with node.database.write() as session:
        session.add(Study(study_instance_uid="1.2", first_received=NOW, last_received=NOW))
        job = Job(
            study_instance_uid="1.2",
            app="app",
            app_version="1.0.0",
            input_digest="d",
            sop_instance_uids=[],
            state=JobState.DELIVERING,
            started=NOW,
        )
        session.add(job)
        session.flush()
        for number in (1, 2):
            session.add(
                Delivery(
                    job_id=job.id,
                    destination="pacs",
                    sop_instance_uid=f"1.2.{number}",
                    sop_class_uid=MRImageStorage,
                    path=f"{number}.dcm",
                    not_before=NOW,
                    stored=NOW,
                    transaction_uid="2.25.7",
                )
            )
    told = Dataset()
    told.TransactionUID = "2.25.7"
    told.ReferencedSOPSequence = [reference(MRImageStorage, "1.2.1")]
    failed = reference(MRImageStorage, "1.2.2")
    failed.FailureReason = 0x0112
    told.FailedSOPSequence = [failed]
    assert report(archive, told, 2) == 0x0000
    with node.database.read() as session:
        committed, lost = session.get_one(Delivery, 1), session.get_one(Delivery, 2)
    assert committed.committed is not None
    assert lost.committed is None
    assert "0112" in lost.status


def test_what_is_wrong_has_its_status(archive: Association) -> None:
    told = Dataset()
    told.TransactionUID = "2.25.8"
    told.ReferencedSOPSequence = [reference(MRImageStorage, "1.2.1")]
    assert report(archive, told) == 0x0115
    assert report(archive, told, 3) == 0x0113
    assert report(archive, told, uid="1.2.3") == 0x0112
    told.ReferencedSOPSequence = []
    assert report(archive, told) == 0x0120
