"""Procedure steps and availability notifications over the network, and what readiness is told of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import MRImageStorage
from pynetdicom import AE
from pynetdicom.association import Association

from deploy.node.services.contexts import INSTANCE_AVAILABILITY, PROCEDURE_STEP
from deploy.node.services.expected import ExpectedInstances, expected_instances
from tests.deploy.node.services.asking import Node, reference

STUDY = "1.2.826.0.1.3680043.8.498.50"


@pytest.fixture
def modality(node: Node) -> Iterator[Association]:
    entity = AE(ae_title="SCANNER")
    entity.add_requested_context(PROCEDURE_STEP)
    entity.add_requested_context(INSTANCE_AVAILABILITY)
    opened = entity.associate("127.0.0.1", node.port, ae_title="GANTRY")
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


def expected(node: Node, study: str) -> ExpectedInstances:
    with node.database.read() as session:
        return expected_instances(session, study)


def create(modality: Association, data: Dataset, uid: str | None, sop_class: str = PROCEDURE_STEP) -> int:
    answer, _ = modality.send_n_create(data, sop_class, uid)
    return int(answer.Status)


def change(modality: Association, data: Dataset, uid: str) -> Dataset:
    answer, _ = modality.send_n_set(data, PROCEDURE_STEP, uid)
    return answer


def test_a_step_tells_which_images_it_has_made_when_it_has_ended(node: Node, modality: Association) -> None:
    study = f"{STUDY}.1"
    assert not expected(node, study).is_known
    assert expected(node, study).all_completed
    assert create(modality, step(study), f"{study}.91") == 0
    assert create(modality, step(study, RequestedProcedurePriority="STAT"), f"{study}.92") == 0
    assert expected(node, study) == ExpectedInstances(
        {f"{study}.91": frozenset(), f"{study}.92": frozenset()}, None, all_completed=False, stat=True
    )
    # A sequence that is set replaces the one before.
    assert change(modality, changes("IN PROGRESS", "1.2.1"), f"{study}.91").Status == 0
    assert change(modality, changes("COMPLETED", "1.2.1", "1.2.2"), f"{study}.91").Status == 0
    told = expected(node, study)
    assert told.steps[f"{study}.91"] == {"1.2.1", "1.2.2"}
    assert not told.all_completed
    assert change(modality, changes("DISCONTINUED", "1.2.3"), f"{study}.92").Status == 0
    told = expected(node, study)
    assert told.all_completed
    assert told.all == {"1.2.1", "1.2.2", "1.2.3"}
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
    assert expected(node, study).steps == {f"{study}.91": {"1.2.1"}}


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
    assert set(expected(node, study).steps) == {f"{study}.91"}


def test_a_step_without_a_uid_is_given_one(node: Node, modality: Association) -> None:
    study = f"{STUDY}.4"
    assert create(modality, step(study), None) == 0
    (uid,) = expected(node, study).steps
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


def test_available_instances_are_those_of_all_notifications(node: Node, modality: Association) -> None:
    study = f"{STUDY}.5"

    def tell(number: int, data: Dataset) -> int:
        return create(modality, data, f"{study}.{number}", INSTANCE_AVAILABILITY)

    assert tell(91, notification(study, i1="ONLINE", i2="NEARLINE")) == 0
    assert tell(92, notification(study, i3="ONLINE", i4="UNAVAILABLE")) == 0
    assert set(expected(node, study).available or ()) == {"1.2.1", "1.2.2", "1.2.3"}
    assert tell(93, notification(study, i2="UNAVAILABLE")) == 0
    assert set(expected(node, study).available or ()) == {"1.2.1", "1.2.3"}
    assert expected(node, study).is_known
    assert tell(93, notification(study, i2="ONLINE")) == 0x0111
    assert tell(94, notification(None, i2="ONLINE")) == 0x0120
    assert tell(94, notification(study, i2="SOMEWHERE")) == 0x0106
    none = notification(study)
    none.ReferencedSeriesSequence = []
    assert tell(94, none) == 0x0120
    assert set(expected(node, study).available or ()) == {"1.2.1", "1.2.3"}
