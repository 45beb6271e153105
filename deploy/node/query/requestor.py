"""Associations that the node asks for: one way to open them, with TLS where it is configured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pydicom.uid import UID
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.events import EventHandlerType
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import PresentationContext

from deploy.node.access import client_context
from deploy.node.config import ConfigError, TLSConfig
from deploy.node.connection import acknowledge_at_once, send_at_once
from operators.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

CONNECTION_SECONDS = 10.0
NEGOTIATION_SECONDS = 30.0
ANSWER_SECONDS = 60.0
"""How long a peer may take to accept the connection, to negotiate the association, to answer a request."""


class PeerError(ConnectionError):
    """The peer cannot be reached, refuses the association, does not answer, or cannot do what it is asked."""


@dataclass(frozen=True)
class PeerAddress:
    """Whom to call: ``ae_title`` is the called, ``calling_ae_title`` our own; ``tls`` None for plain TCP."""

    host: str
    port: int
    ae_title: str
    calling_ae_title: str
    tls: TLSConfig | None = None

    def __str__(self) -> str:
        return f"{self.ae_title} at {self.host}:{self.port}"


@contextmanager
def associate(
    peer: PeerAddress,
    contexts: Sequence[PresentationContext],
    *,
    roles: Sequence[SCP_SCU_RoleSelectionNegotiation] = (),
    handlers: Sequence[EventHandlerType] = (),
    answer_seconds: float = ANSWER_SECONDS,
) -> Iterator[Association]:
    """Open an association and release it at the end, or abort it after an exception.

    ``answer_seconds`` is how long the peer may take for each answer. Raises :class:`PeerError`.
    """
    entity = AE(ae_title=peer.calling_ae_title)
    entity.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    entity.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    entity.connection_timeout = CONNECTION_SECONDS
    entity.acse_timeout = NEGOTIATION_SECONDS
    entity.dimse_timeout = answer_seconds
    entity.network_timeout = answer_seconds
    try:
        association = entity.associate(
            peer.host,
            peer.port,
            contexts=list(contexts),
            ae_title=peer.ae_title,
            ext_neg=list(roles),
            evt_handlers=[
                (evt.EVT_CONN_OPEN, lambda event: send_at_once(event.assoc)),
                # Sending switches them on again, and what follows is the peer's answer.
                (evt.EVT_PDU_SENT, lambda event: acknowledge_at_once(event.assoc)),
                *handlers,
            ],
            tls_args=None if peer.tls is None else (client_context(peer.tls), peer.host),
        )
    except ConfigError as error:
        raise PeerError(f"{peer} cannot be called: {error}") from error
    # The name of the host is looked up before pynetdicom handles errors by itself.
    except OSError as error:
        raise PeerError(f"{peer} cannot be reached: {error.strerror or error}") from error
    _leave_answers(association)
    if not association.is_established:
        raise PeerError(_refusal(association, peer))
    try:
        yield association
    except BaseException:
        association.abort()
        raise
    if association.is_established:
        association.release()


def _leave_answers(association: Association) -> None:
    """Let only the thread that has asked take a message from the peer.

    pynetdicom's own thread of an association looks for requests of the peer. It is to pause while one of ours is under
    way, but may look once more after the pause has begun: it then throws away an answer, and a query would seem to have
    found less than there is. A requestor has nothing to look for: sub-operations of a C-GET come to the asking thread.
    """
    provider = association.dimse

    def take_if_asked(block: bool = False) -> object:
        return DIMSEServiceProvider.get_msg(provider, block=True) if block else (None, None)

    provider.get_msg = take_if_asked


def _refusal(association: Association, peer: PeerAddress) -> str:
    if association.is_rejected:
        return f"{peer} rejected the association: {association.acceptor.primitive.reason_str}"
    if association.rejected_contexts:
        offered = sorted({UID(context.abstract_syntax).name for context in association.rejected_contexts})
        return f"{peer} accepts none of {', '.join(offered)}"
    return f"{peer} cannot be reached or aborted the association"
