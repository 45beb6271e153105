"""Modality Performed Procedure Step, SCP (PS3.4 annex F.7): which images a modality says that it has made.

Of a step only what the node needs is kept: its study, its status, its priority and its images.
"""

from __future__ import annotations

from datetime import datetime, timezone
from uuid import uuid4

from pydicom.dataset import Dataset

from deploy.node.database import Database, ProcedureStep
from deploy.node.events import record
from deploy.node.services.data_sets import check_uid, decode, items, references, text, uid
from deploy.node.services.messages import Answer, Command, RefusedRequestError, Requestor
from deploy.node.services.statuses import (
    DUPLICATE_SOP_INSTANCE,
    INVALID_ATTRIBUTE_VALUE,
    MAY_NO_LONGER_BE_UPDATED,
    MISSING_ATTRIBUTE,
    NO_SUCH_SOP_INSTANCE,
    PROCESSING_FAILURE,
    SUCCESS,
)

IN_PROGRESS = "IN PROGRESS"
COMPLETED = "COMPLETED"
DISCONTINUED = "DISCONTINUED"
"""Performed Procedure Step Status (0040,0252), PS3.3 C.4.14."""

FINAL = (COMPLETED, DISCONTINUED)


def create(database: Database, requestor: Requestor, command: Command, data_set: bytes, transfer_syntax: str) -> Answer:
    """Keep a new step, which has to be in progress (N-CREATE, PS3.4 F.7.2.1). Raises :class:`RefusedRequestError`."""
    dataset = decode(data_set, transfer_syntax)
    status = text(dataset, "PerformedProcedureStepStatus")
    if "PerformedProcedureStepStatus" not in dataset:
        raise RefusedRequestError(MISSING_ATTRIBUTE, "PerformedProcedureStepStatus is absent")
    if status != IN_PROGRESS:
        raise RefusedRequestError(INVALID_ATTRIBUTE_VALUE, f"a new step is {IN_PROGRESS}, not {status!r}")
    scheduled = items(dataset, "ScheduledStepAttributesSequence")
    if not scheduled:
        raise RefusedRequestError(MISSING_ATTRIBUTE, "ScheduledStepAttributesSequence has no item")
    study = uid(scheduled[0], "StudyInstanceUID")
    given = str(command.get("AffectedSOPInstanceUID") or "")
    # Who leaves the UID out is given one (PS3.7 10.1.5.1.4).
    step_uid = check_uid(given, "AffectedSOPInstanceUID") if given else f"2.25.{uuid4().int}"
    step = ProcedureStep(
        sop_instance_uid=step_uid,
        study_instance_uid=study,
        status=status,
        priority=_priority(dataset, scheduled),
        sop_instance_uids=_images(dataset),
        updated=datetime.now(timezone.utc),
    )
    with database.write() as session:
        if session.get(ProcedureStep, step_uid) is not None:
            raise RefusedRequestError(DUPLICATE_SOP_INSTANCE, f"the step {step_uid} is there already")
        session.add(step)
        record(
            session,
            "step-begun",
            f"{requestor.ae_title} has begun a procedure step{f' ({step.priority})' if step.priority else ''}",
            study=study,
            step=step_uid,
        )
    return Answer(SUCCESS, sop_instance_uid=step_uid)


def update(database: Database, requestor: Requestor, command: Command, data_set: bytes, transfer_syntax: str) -> Answer:
    """Change a step that is in progress (N-SET, PS3.4 F.7.2.2). Raises :class:`RefusedRequestError`."""
    dataset = decode(data_set, transfer_syntax)
    step_uid = str(command.get("RequestedSOPInstanceUID") or "")
    status = text(dataset, "PerformedProcedureStepStatus")
    if status not in ("", IN_PROGRESS, *FINAL):
        raise RefusedRequestError(INVALID_ATTRIBUTE_VALUE, f"PerformedProcedureStepStatus {status!r}")
    priority = _priority(dataset, ())
    images = _images(dataset)
    with database.write() as session:
        step = session.get(ProcedureStep, step_uid)
        if step is None:
            raise RefusedRequestError(NO_SUCH_SOP_INSTANCE, f"there is no step {step_uid[:64]}")
        if step.status in FINAL:
            raise RefusedRequestError(
                PROCESSING_FAILURE,
                "Performed Procedure Step Object may no longer be updated",
                error_id=MAY_NO_LONGER_BE_UPDATED,
            )
        step.status = status or step.status
        step.priority = priority or step.priority
        # A sequence that is set is set as a whole (PS3.4 F.7.2.2.2).
        if "PerformedSeriesSequence" in dataset:
            step.sop_instance_uids = images
        step.updated = datetime.now(timezone.utc)
        if step.status in FINAL:
            record(
                session,
                f"step-{step.status.lower()}",
                f"{requestor.ae_title} says that a procedure step is {step.status.lower()}, with "
                f"{len(step.sop_instance_uids)} instances",
                study=step.study_instance_uid,
                step=step_uid,
            )
    return Answer(SUCCESS, sop_instance_uid=step_uid)


def _priority(dataset: Dataset, scheduled: tuple[Dataset, ...]) -> str:
    """Requested Procedure Priority: no attribute of a step by the standard, but sent where a worklist had it."""
    found = (text(item, "RequestedProcedurePriority") for item in (dataset, *scheduled))
    return next(filter(None, found), "")[:16].upper()


def _images(dataset: Dataset) -> list[str]:
    series = items(dataset, "PerformedSeriesSequence")
    named = references(series, "ReferencedImageSequence", "ReferencedNonImageCompositeSOPInstanceSequence")
    return sorted({sop_instance for _, sop_instance, _ in named})
