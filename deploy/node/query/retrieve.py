"""Retrieve SCU: have an archive send what it has (C-GET or C-MOVE, Study Root, PS3.4 annex C)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)
from pynetdicom.status import QR_GET_SERVICE_CLASS_STATUS

from deploy.node.database import Database
from deploy.node.disk import Space
from deploy.node.events import record
from deploy.node.query.archive import Archive
from deploy.node.query.find import find_sop_classes, find_studies
from deploy.node.query.get_contexts import get_contexts
from deploy.node.query.intake import Intake
from deploy.node.query.requestor import PeerError, associate
from deploy.node.spool import Spool

SUCCESS = 0x0000
PENDING = 0xFF00
CANCELLED = 0xFE00
SOME_FAILED = 0xB000
"""Sub-operations are complete, one or more failures or warnings (PS3.4 table C.4-3)."""

_MESSAGE_ID = 1


@dataclass(frozen=True)
class Fetched:
    """What became of a retrieve: the numbers of its sub-operations by the archive's count.

    ``failed_instances`` are the SOP Instance UIDs that the archive names as failed; ``problem`` says in words why not
    all came, empty if all did.
    """

    completed: int = 0
    warnings: int = 0
    failed: int = 0
    failed_instances: tuple[str, ...] = ()
    problem: str = ""

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for has come."""
        return not self.problem


def fetch(
    archive: Archive,
    spool: Spool,
    database: Database,
    study_instance_uid: str,
    series_instance_uid: str | None = None,
    *,
    space: Space,
    cancel: threading.Event | None = None,
) -> Fetched:
    """Fetch a study, or one series of it, into the spool, as if it had been sent; an event tells what came.

    By C-GET the instances come over the same association and are indexed here; what the spool holds already is not
    stored again, as an archive may have changed it. By C-MOVE the archive calls the node's own AE title: it has to be
    one of ``peers``, and the node has to be running. What came before a kill or a failure stays; fetching again
    fetches the rest. Without room on the disk (``space``) instances are refused. ``cancel`` ends it early, by C-CANCEL.

    Raises :class:`deploy.node.query.requestor.PeerError` when the archive cannot be reached or does not answer.
    """
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY" if series_instance_uid is None else "SERIES"
    identifier.StudyInstanceUID = study_instance_uid
    if series_instance_uid is not None:
        identifier.SeriesInstanceUID = series_instance_uid
    intake = Intake(archive, spool, database, space)
    try:
        if archive.config.retrieve == "move":
            fetched = _move(archive, identifier, cancel)
        else:
            sop_classes = _sop_classes(archive, study_instance_uid, series_instance_uid)
            fetched = _get(archive, identifier, sop_classes, intake, cancel)
    except PeerError as error:
        _record(database, archive, study_instance_uid, Fetched(completed=intake.stored, problem=str(error)), intake)
        raise
    _record(database, archive, study_instance_uid, fetched, intake)
    return fetched


def _sop_classes(archive: Archive, study: str, series: str | None) -> set[str]:
    """Which SOP classes a C-GET has to be ready for, as far as the archive tells: it cannot propose all."""
    for found in find_studies(archive, study_instance_uid=study):
        if found.sop_classes and series is None:
            return set(found.sop_classes)
    return find_sop_classes(archive, study, series)


def _get(
    archive: Archive, identifier: Dataset, sop_classes: set[str], intake: Intake, cancel: threading.Event | None
) -> Fetched:
    contexts, roles = get_contexts(sop_classes)
    with associate(
        archive.address,
        [build_context(StudyRootQueryRetrieveInformationModelGet), *contexts],
        roles=roles,
        handlers=[(evt.EVT_C_STORE, intake.store)],
        answer_seconds=archive.config.answer_seconds,
    ) as association:
        responses = association.send_c_get(identifier, StudyRootQueryRetrieveInformationModelGet, msg_id=_MESSAGE_ID)
        return _outcome(archive, association, responses, StudyRootQueryRetrieveInformationModelGet, intake, cancel)


def _move(archive: Archive, identifier: Dataset, cancel: threading.Event | None) -> Fetched:
    with associate(
        archive.address,
        [build_context(StudyRootQueryRetrieveInformationModelMove)],
        answer_seconds=archive.config.answer_seconds,
    ) as association:
        responses = association.send_c_move(
            identifier, archive.calling_ae_title, StudyRootQueryRetrieveInformationModelMove, msg_id=_MESSAGE_ID
        )
        return _outcome(archive, association, responses, StudyRootQueryRetrieveInformationModelMove, None, cancel)


def _outcome(
    archive: Archive,
    association: Association,
    responses: Iterator[tuple[Dataset, Dataset | None]],
    model: str,
    intake: Intake | None,
    cancel: threading.Event | None,
) -> Fetched:
    asked_to_end = False
    for status, identifier in responses:
        if "Status" not in status:
            raise PeerError(f"{archive.address} did not answer to a retrieve, or ended the association")
        if status.Status == PENDING:
            if cancel is not None and cancel.is_set() and not asked_to_end:
                association.send_c_cancel(_MESSAGE_ID, query_model=model)
                asked_to_end = True
            continue
        return _final(status, identifier, intake)
    raise PeerError(f"{archive.address} did not end a retrieve")


def _final(status: Dataset, identifier: Dataset | None, intake: Intake | None) -> Fetched:
    failed = int(status.get("NumberOfFailedSuboperations") or 0)
    named = (identifier.get("FailedSOPInstanceUIDList") if identifier is not None else None) or ()
    return Fetched(
        completed=int(status.get("NumberOfCompletedSuboperations") or 0),
        warnings=int(status.get("NumberOfWarningSuboperations") or 0),
        failed=failed,
        failed_instances=(named,) if isinstance(named, str) else tuple(map(str, named)),
        problem=_problem(status, failed, intake),
    )


def _problem(status: Dataset, failed: int, intake: Intake | None) -> str:
    ours = f": {intake.problem}" if intake is not None and intake.problem else ""
    if status.Status == SUCCESS and status.get("NumberOfCompletedSuboperations") == 0 and not failed:
        return "the archive has sent nothing"
    if status.Status in (SUCCESS, SOME_FAILED):
        return f"{failed} instances could not be fetched{ours}" if failed else ""
    if status.Status == CANCELLED:
        return "cancelled"
    _, meaning = QR_GET_SERVICE_CLASS_STATUS.get(status.Status, ("", "unknown status"))
    return f"the archive answered 0x{status.Status:04X}: {status.get('ErrorComment') or meaning}{ours}"


def _record(database: Database, archive: Archive, study: str, fetched: Fetched, intake: Intake) -> None:
    by = "C-MOVE" if archive.config.retrieve == "move" else "C-GET"
    came = f"{intake.stored} new of {fetched.completed + fetched.warnings}" if by == "C-GET" else fetched.completed
    with database.write() as session:
        record(
            session,
            "fetched" if fetched.complete else "not-fetched",
            f"{came} instances came from {archive.name} ({archive.address}) by {by}"
            + (f"; {fetched.problem}" if fetched.problem else ""),
            study=study,
            archive=archive.name,
            completed=fetched.completed,
            warnings=fetched.warnings,
            failed=fetched.failed,
            failed_instances=list(fetched.failed_instances),
        )
