"""Procedure steps and availability notifications over the network, and what is kept of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import MRImageStorage
from pynetdicom import AE
from pynetdicom.association import Association
from sqlalchemy import select

from deploy.node.database import AvailableInstances, ProcedureStep
from deploy.node.services.contexts import INSTANCE_AVAILABILITY, PROCEDURE_STEP
from phantoms.send import leave_answers
from tests.deploy.node.services.asking import Node, reference

STUDY = "1.2.826.0.1.3680043.8.498.50"


@pytest.fixture
def modality(node: Node) -> Iterator[Association]:
    entity = AE(ae_title="SCANNER")
    entity.add_requested_context(PROCEDURE_STEP)
    entity.add_requested_context(INSTANCE_AVAILABILITY)
    opened = entity.associate("127.0.0.1", node.port, ae_title="GANTRY")
    leave_answers(opened)
    assert opened.is_established
    yield opened
    opened.release()


def step(study: str | None, status: str | None = "IN PROGRESS", **more: object) -> Dataset:
    created = Dataset()
    scheduled = Dataset()
    if study is not None:
        scheduled.StudyInstanceUID = study
    created.ScheduledStepAttributesSequence = [scheduled]
    created.PerformedSeriesSequence = []
    if status is not None:
        created.PerformedProcedureStepStatus = status
    for keyword, value in more.items():
        setattr(created, keyword, value)
    return created


def changes(status: str, *uids: str) -> Dataset:
    changed, series = Dataset(), Dataset()
    changed.PerformedProcedureStepStatus = status
    series.ReferencedImageSequence = [reference(MRImageStorage, uid) for uid in uids[:-1]]
    series.ReferencedNonImageCompositeSOPInstanceSequence = [reference(MRImageStorage, uid) for uid in uids[-1:]]
    changed.PerformedSeriesSequence = [series]
    return changed


def steps(node: Node, study: str) -> dict[str, tuple[str, str, list[str]]]:
    """What is kept of a study's steps: status, priority and images by UID."""
    with node.database.read() as session:
        rows = session.scalars(select(ProcedureStep).where(ProcedureStep.study_instance_uid == study))
        return {row.sop_instance_uid: (row.status, row.priority, row.sop_instance_uids) for row in rows}


def create(modality: Association, data: Dataset, uid: str | None, sop_class: str = PROCEDURE_STEP) -> int:
    answer, _ = modality.send_n_create(data, sop_class, uid)
    return int(answer.Status)


def change(modality: Association, data: Dataset, uid: str) -> Dataset:
    answer, _ = modality.send_n_set(data, PROCEDURE_STEP, uid)
    return answer


def test_a_step_tells_which_images_it_has_made_when_it_has_ended(node: Node, modality: Association) -> None:
    study = f"{STUDY}.1"
    first, second = f"{study}.91", f"{study}.92"
    assert create(modality, step(study), first) == 0
    assert create(modality, step(study, RequestedProcedurePriority="STAT"), second) == 0
    assert steps(node, study) == {first: ("IN PROGRESS", "", []), second: ("IN PROGRESS", "STAT", [])}
    # A sequence that is set replaces the one before.
    assert change(modality, changes("IN PROGRESS", "1.2.1"), first).Status == 0
    assert change(modality, changes("COMPLETED", "1.2.1", "1.2.2"), first).Status == 0
    assert change(modality, changes("DISCONTINUED", "1.2.3"), second).Status == 0
    assert steps(node, study) == {
        first: ("COMPLETED", "", ["1.2.1", "1.2.2"]),
        second: ("DISCONTINUED", "STAT", ["1.2.3"]),
    }
    kinds = [
        event.kind for kind in ("step-begun", "step-completed", "step-discontinued") for event in node.events(kind)
    ]
    assert kinds == ["step-begun", "step-begun", "step-completed", "step-discontinued"]


def test_a_step_in_its_final_state_stays_as_it_is(node: Node, modality: Association) -> None:
    study = f"{STUDY}.2"
    assert create(modality, step(study), f"{study}.91") == 0
    assert change(modality, changes("COMPLETED", "1.2.1"), f"{study}.91").Status == 0
    answer = change(modality, changes("IN PROGRESS", "1.2.2"), f"{study}.91")
    assert (answer.Status, answer.ErrorID) == (0x0110, 0xA710)
    assert steps(node, study) == {f"{study}.91": ("COMPLETED", "", ["1.2.1"])}


def test_what_is_wrong_has_its_status(node: Node, modality: Association) -> None:
    study = f"{STUDY}.3"
    assert create(modality, step(study), f"{study}.91") == 0
    assert create(modality, step(study), f"{study}.91") == 0x0111
    assert create(modality, step(study, "COMPLETED"), f"{study}.92") == 0x0106
    assert create(modality, step(study, None), f"{study}.92") == 0x0120
    assert create(modality, step(None), f"{study}.92") == 0x0120
    assert create(modality, step(study, ScheduledStepAttributesSequence=[]), f"{study}.92") == 0x0120
    assert change(modality, changes("COMPLETED", "1.2.1"), f"{study}.92").Status == 0x0112
    assert change(modality, changes("DONE", "1.2.1"), f"{study}.91").Status == 0x0106
    # The service has no N-GET.
    answer, _ = modality.send_n_get([0x00400252], PROCEDURE_STEP, f"{study}.91")
    assert answer.Status == 0x0211
    assert list(steps(node, study)) == [f"{study}.91"]


def test_a_step_without_a_uid_is_given_one(node: Node, modality: Association) -> None:
    study = f"{STUDY}.4"
    assert create(modality, step(study), None) == 0
    (uid,) = steps(node, study)
    assert uid.startswith("2.25.")
    assert change(modality, changes("COMPLETED", "1.2.1"), uid).Status == 0


def notification(study: str | None, **availability: str) -> Dataset:
    told, series = Dataset(), Dataset()
    if study is not None:
        told.StudyInstanceUID = study
    told.ReferencedPerformedProcedureStepSequence = []
    series.SeriesInstanceUID = "1.2.3"
    series.ReferencedSOPSequence = []
    for number, value in availability.items():
        item = reference(MRImageStorage, f"1.2.{number.removeprefix('i')}")
        item.InstanceAvailability = value
        series.ReferencedSOPSequence.append(item)
    told.ReferencedSeriesSequence = [series]
    return told


def available(node: Node, study: str) -> set[str]:
    with node.database.read() as session:
        query = select(AvailableInstances.sop_instance_uids).where(AvailableInstances.study_instance_uid == study)
        return {uid for uids in session.scalars(query) for uid in uids}


def test_available_instances_are_those_of_all_notifications(node: Node, modality: Association) -> None:
    study = f"{STUDY}.5"

    def tell(number: int, data: Dataset) -> int:
        return create(modality, data, f"{study}.{number}", INSTANCE_AVAILABILITY)

    assert tell(91, notification(study, i1="ONLINE", i2="NEARLINE")) == 0
    assert tell(92, notification(study, i3="ONLINE", i4="UNAVAILABLE")) == 0
    assert available(node, study) == {"1.2.1", "1.2.2", "1.2.3"}
    assert tell(93, notification(study, i2="UNAVAILABLE")) == 0
    assert available(node, study) == {"1.2.1", "1.2.3"}
    assert tell(93, notification(study, i2="ONLINE")) == 0x0111
    assert tell(94, notification(None, i2="ONLINE")) == 0x0120
    assert tell(94, notification(study, i2="SOMEWHERE")) == 0x0106
    none = notification(study)
    none.ReferencedSeriesSequence = []
    assert tell(94, none) == 0x0120
    assert available(node, study) == {"1.2.1", "1.2.3"}
