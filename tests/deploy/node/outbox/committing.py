"""An archive that commits itself to what it stores (PS3.4 annex J), or does not."""

from __future__ import annotations

import threading
from collections.abc import Callable

from pydicom.dataset import Dataset
from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.association import Association
from pynetdicom.sop_class import StorageCommitmentPushModel, Verification

from tests.deploy.node.archive import Archive
from tests.peers import free_port

_INSTANCE = "1.2.840.10008.1.20.1.1"
_ALL_COMMITTED, _FAILURES_EXIST = 1, 2

Judge = Callable[[str], int | None]
"""The Failure Reason for a SOP Instance UID, None where it is committed."""


class CommittingArchive(Archive):
    """Answers requests for commitment with a report on the same association.

    ``judge`` says what fails; while ``reports`` is false, requests are taken and nothing more is heard of them.
    """

    def __init__(self, *, judge: Judge = lambda uid: None, reports: bool = True) -> None:
        super().__init__()
        self.judge = judge
        self.reports = reports
        self.transactions: list[str] = []
        self.statuses: list[int] = []

    def start(self) -> None:
        entity = AE(ae_title="ARCHIVE")
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(context.abstract_syntax)
        entity.add_supported_context(StorageCommitmentPushModel)
        entity.add_supported_context(Verification)
        handlers = [
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_ESTABLISHED, self._established),
            (evt.EVT_N_ACTION, self._asked),
        ]
        self._server = entity.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)

    def __enter__(self) -> CommittingArchive:
        super().__enter__()
        return self

    def wait_for_requests(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.transactions) >= count, 60), "nobody asked"

    def _asked(self, event: evt.Event) -> tuple[int, None]:
        request = event.action_information
        with self.changed:
            self.transactions.append(str(request.TransactionUID))
            self.changed.notify_all()
        if self.reports:
            # The answer to the request goes first.
            threading.Thread(target=self._report, args=(event.assoc, report_on(request, self.judge))).start()
        return 0, None

    def _report(self, association: Association, report: Dataset) -> None:
        kind = _FAILURES_EXIST if "FailedSOPSequence" in report else _ALL_COMMITTED
        status, _ = association.send_n_event_report(report, kind, StorageCommitmentPushModel, _INSTANCE)
        with self.changed:
            self.statuses.append(int(status.Status) if "Status" in status else -1)
            self.changed.notify_all()


def report_on(request: Dataset, judge: Judge) -> Dataset:
    """The report that an archive makes of a request."""
    report = Dataset()
    report.TransactionUID = request.TransactionUID
    committed, failed = [], []
    for item in request.ReferencedSOPSequence:
        reason = judge(str(item.ReferencedSOPInstanceUID))
        if reason is None:
            committed.append(item)
        else:
            item.FailureReason = reason
            failed.append(item)
    if committed:
        report.ReferencedSOPSequence = committed
    if failed:
        report.FailedSOPSequence = failed
    return report


class ReportReceiver:
    """The node's port, for reports that come over a new association; ``take`` gets their data sets."""

    def __init__(self, take: Callable[[Dataset], int]) -> None:
        self.port = free_port()
        self._take = take

    def __enter__(self) -> ReportReceiver:
        entity = AE(ae_title="GANTRY")
        entity.add_supported_context(StorageCommitmentPushModel, scu_role=True, scp_role=True)
        entity.add_supported_context(Verification)
        handlers = [(evt.EVT_N_EVENT_REPORT, lambda event: (self._take(event.event_information), None))]
        self._server = entity.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
