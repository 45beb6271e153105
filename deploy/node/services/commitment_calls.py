"""Reports of storage commitment to peers that have closed their association: we call, as SCP (PS3.7 D.3.3.4)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

from pydicom.dataset import Dataset
from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.events import Event
from pynetdicom.presentation import build_context, build_role
from sqlalchemy import select

from deploy.node.bell import Bell
from deploy.node.config import PeerConfig
from deploy.node.connection import cut
from deploy.node.database import CommitmentRequest, Database
from deploy.node.query.requestor import PeerAddress, PeerError, associate
from deploy.node.services.commitment_reports import keep_answer, postpone, report_on, stop_calling
from deploy.node.services.contexts import STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE, TRANSFER_SYNTAXES
from deploy.node.services.forgetting import forget_old
from deploy.node.spool import Spool


class CommitmentCalls:
    """Reports to peers that have closed their association, each at its own host and port.

    A peer that does not take a report is called again for days, later each time; then an event tells, as for one that
    has no address, and the request is kept without calling any more.
    """

    def __init__(self, database: Database, spool: Spool, peers: Mapping[str, PeerConfig], *, ae_title: str) -> None:
        self.bell = Bell()
        self._database = database
        self._spool = spool
        self._peers = peers
        self._ae_title = ae_title
        self._called: Association | None = None
        self._forgotten: datetime | None = None

    def take_up(self) -> None:
        """Make due what the receiver processes of a node before this one were about to report; before others start."""
        now = datetime.now(timezone.utc)
        left = (CommitmentRequest.attempts == 0, CommitmentRequest.not_before > now)
        with self._database.write(rebuildable=True) as session:
            for request in session.scalars(select(CommitmentRequest).where(*left)):
                request.not_before = now

    def run(self, stop: threading.Event) -> None:
        """Report until ``stop`` is set, and once a day forget what is old."""
        self.bell.work_until(stop, self._work)

    def _work(self) -> bool:
        now = datetime.now(timezone.utc)
        if self._forgotten is None or now - self._forgotten > timedelta(days=1):
            forget_old(self._database, now)
            self._forgotten = now
        return self.report_due()

    def hang_up(self) -> None:
        """Cut the connection that is open, if any: the node stops."""
        self.bell.ring()
        called = self._called
        if called is not None:
            cut(called)

    def report_due(self) -> bool:
        """Report what is due to one peer, over one association; return whether anything was due."""
        now = datetime.now(timezone.utc)
        due = select(CommitmentRequest).where(CommitmentRequest.not_before <= now).order_by(CommitmentRequest.id)
        with self._database.read() as session:
            first = session.scalars(due.limit(1)).one_or_none()
            if first is None:
                return False
            same = due.where(
                CommitmentRequest.peer == first.peer, CommitmentRequest.calling_ae_title == first.calling_ae_title
            )
            requests = list(session.scalars(same))
        peer = self._peers.get(first.peer)
        if peer is None or peer.host is None or peer.port is None:
            why = "is no longer a peer" if peer is None else "has closed its association and has no host and port"
            with self._database.write() as session:
                for request in session.scalars(same):
                    stop_calling(session, request, f"{first.calling_ae_title} {why}")
            return True
        try:
            self._report(requests, peer)
        # The peer's, or the spool cannot be read now.
        except OSError as error:
            with self._database.write() as session:
                # Those that were answered are no longer due.
                for request in session.scalars(same):
                    postpone(session, request, str(error))
        finally:
            self._called = None
        return True

    def _report(self, requests: list[CommitmentRequest], peer: PeerConfig) -> None:
        called_ae_title = requests[0].calling_ae_title
        with report_association(peer, self._ae_title, called_ae_title, on_connection=self._remember) as send:
            for request in requests:
                event_type, dataset = report_on(request, self._database, self._spool)
                keep_answer(self._database, request.id, dataset, send(event_type, dataset))

    def _remember(self, event: Event) -> None:
        self._called = event.assoc


@contextmanager
def report_association(
    peer: PeerConfig, ae_title: str, called_ae_title: str, *, on_connection: Callable[[Event], None]
) -> Iterator[Callable[[int, Dataset], int]]:
    """Call a peer as the SCP of Storage Commitment; gives a function that sends a report and returns its Status.

    ``called_ae_title`` is what the peer called itself; ``on_connection`` is told of the association as soon as there is
    a connection. A peer that accepts the presentation context and is silent about the roles is taken to accept ours: it
    could not be told otherwise. Raises :class:`PeerError`.
    """
    assert peer.host is not None
    assert peer.port is not None
    address = PeerAddress(peer.host, peer.port, called_ae_title, ae_title, peer.answer_tls)
    context = build_context(STORAGE_COMMITMENT, list(TRANSFER_SYNTAXES))
    role = build_role(STORAGE_COMMITMENT, scp_role=True)
    handlers = [(evt.EVT_CONN_OPEN, on_connection)]
    with associate(address, [context], roles=[role], handlers=handlers) as association:
        yield lambda event_type, report: _send(association, event_type, report, address)


def _send(association: Association, event_type: int, report: Dataset, address: PeerAddress) -> int:
    if not association.is_established:
        raise PeerError(f"{address} ended the association")
    try:
        response, _ = association.send_n_event_report(
            report, event_type, STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE
        )
    # The association ended between the check above and the request.
    except RuntimeError:
        raise PeerError(f"{address} ended the association") from None
    if "Status" not in response:
        raise PeerError(f"{address} did not answer")
    return int(response.Status)
