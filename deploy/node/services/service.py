"""The door for receiver processes: one request in, one answer out."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.node.services.contexts import INSTANCE_AVAILABILITY, PROCEDURE_STEP, STORAGE_COMMITMENT
from deploy.node.services.messages import Answer, Command, RefusedRequestError, Requestor
from deploy.node.services.statuses import NO_SUCH_SOP_CLASS, PROCESSING_FAILURE, UNRECOGNIZED_OPERATION

if TYPE_CHECKING:
    from deploy.node.database import Database

N_EVENT_REPORT = 0x0100
N_SET = 0x0120
N_ACTION = 0x0130
N_CREATE = 0x0140
"""Command Field of the requests (PS3.7 annex E.1)."""


class Services:
    """Answers the requests of the services' presentation contexts; may be called from several threads.

    The database is opened with the first request, and what a service needs imported then.
    """

    def __init__(self, data_folder: Path) -> None:
        self._data_folder = data_folder
        self._database: Database | None = None
        self._opening = threading.Lock()

    def handle(
        self, requestor: Requestor, abstract_syntax: str, transfer_syntax: str, command: Command, data_set: bytes
    ) -> Answer:
        """Do what a request asks, durably, and return what to answer.

        The two UIDs are those of the presentation context that the request came over; that the peer may use it was
        decided when it was negotiated. Raises nothing: a failure of ours is Processing Failure (0x0110).
        """
        try:
            return self._handle(requestor, abstract_syntax, transfer_syntax, command, data_set)
        except RefusedRequestError as refused:
            self._record_refusal(requestor, refused)
            return Answer(refused.status, str(refused), error_id=refused.error_id)
        # The peer must have an answer, whatever went wrong, and asks again.
        except Exception as error:
            from deploy.node.events import log_failure

            log_failure("service-failed", f"a request of {requestor.ae_title} could not be done")
            return Answer(PROCESSING_FAILURE, f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """Close the database, if it was opened."""
        with self._opening:
            if self._database is not None:
                self._database.close()
                self._database = None

    def _handle(
        self, requestor: Requestor, abstract_syntax: str, transfer_syntax: str, command: Command, data_set: bytes
    ) -> Answer:
        # Imported here: a receiver process that is never asked starts without them.
        from deploy.node.services import availability, commitment_answers, commitment_requests, procedure_steps
        from deploy.node.spool import Spool

        operation = command.get("CommandField")
        sop_class = command.get("RequestedSOPClassUID") or command.get("AffectedSOPClassUID")
        # Permissions hang on the presentation context.
        if sop_class != abstract_syntax:
            raise RefusedRequestError(
                NO_SUCH_SOP_CLASS, f"{sop_class} over a presentation context of {abstract_syntax}"
            )
        database, spool = self._open(), Spool(self._data_folder)
        if (abstract_syntax, operation) == (STORAGE_COMMITMENT, N_ACTION):
            return commitment_requests.accept(database, spool, requestor, command, data_set, transfer_syntax)
        if (abstract_syntax, operation) == (STORAGE_COMMITMENT, N_EVENT_REPORT):
            return commitment_answers.accept(database, command, data_set, transfer_syntax)
        if (abstract_syntax, operation) == (PROCEDURE_STEP, N_CREATE):
            return procedure_steps.create(database, requestor, command, data_set, transfer_syntax)
        if (abstract_syntax, operation) == (PROCEDURE_STEP, N_SET):
            return procedure_steps.update(database, requestor, command, data_set, transfer_syntax)
        if (abstract_syntax, operation) == (INSTANCE_AVAILABILITY, N_CREATE):
            return availability.create(database, requestor, command, data_set, transfer_syntax)
        raise RefusedRequestError(UNRECOGNIZED_OPERATION, f"Command Field {operation!r} for {abstract_syntax}")

    def _open(self) -> Database:
        from deploy.node.database import open_database

        with self._opening:
            if self._database is None:
                # The node has brought the tables up to date before it started receiver processes.
                self._database = open_database(self._data_folder, upgrade=False)
            return self._database

    def _record_refusal(self, requestor: Requestor, refused: RefusedRequestError) -> None:
        from deploy.node.events import log_failure, record

        text = f"refused a request of {requestor.ae_title} with status 0x{refused.status:04X}: {refused}"
        try:
            with self._open().write(rebuildable=True) as session:
                record(session, "service-refused", text, status=refused.status)
        # As with a full disk: the peer must get its answer all the same.
        except Exception:
            log_failure("service-refused", text)
