"""Association negotiation as the acceptor (PS3.8 section 7.1, PS3.7 annex D): pynetdicom's items and rules."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass

from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
    SCP_SCU_RoleSelectionNegotiation,
)
from pynetdicom.presentation import PresentationContext, negotiate_as_acceptor
from pynetdicom.sop_class import _STORAGE_CLASSES

from deploy.node.config import Permission
from deploy.node.header import is_uid
from deploy.node.receive.upper_layer import INVALID_PARAMETER, ProtocolError
from deploy.node.services import SupportedContext
from operators.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

VERIFICATION = "1.2.840.10008.1.1"

REJECTED_TRANSIENT = 2
PROVIDER_PRESENTATION = 3
TEMPORARY_CONGESTION, LOCAL_LIMIT_EXCEEDED = 1, 2
"""Result, source and reasons of an A-ASSOCIATE-RJ PDU (PS3.8 table 9-21)."""

_STORAGE_BRANCH = "1.2.840.10008.5.1.4.1.1."
"""Every image, waveform, report ... that a study may hold, retired ones and those still to come."""

_OTHER_STORAGE = frozenset(_STORAGE_CLASSES.values()) | {
    "1.2.840.10008.5.1.1.27",
    "1.2.840.10008.5.1.1.29",
    "1.2.840.10008.5.1.1.30",
    "1.2.840.10008.5.1.4.34.1",
}
"""Storage SOP classes elsewhere: radiotherapy's second generation, and retired ones (stored print, hardcopy, RT)."""

_UNCOMPRESSED = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)
_USER_REJECTION = 1


@dataclass(frozen=True)
class Context:
    """One accepted presentation context."""

    abstract_syntax: str
    transfer_syntax: str


@dataclass(frozen=True)
class Request:
    """What a peer asks for in its A-ASSOCIATE-RQ PDU. ``maximum_pdu`` is what it takes, 0 for any length."""

    primitive: A_ASSOCIATE
    calling_ae_title: str
    called_ae_title: str
    maximum_pdu: int


def is_storage(sop_class_uid: str, private_sop_classes: Set[str]) -> bool:
    """Return whether this is a storage SOP class of the standard or one of the configured private ones."""
    return is_uid(sop_class_uid) and (
        sop_class_uid.startswith(_STORAGE_BRANCH)
        or sop_class_uid in _OTHER_STORAGE
        or sop_class_uid in private_sop_classes
    )


def decode_request(content: bytes) -> Request:
    """Read an A-ASSOCIATE-RQ PDU, given with its header. Raises :class:`ProtocolError`."""
    try:
        pdu = A_ASSOCIATE_RQ()
        pdu.decode(content)
        primitive = pdu.to_primitive()
        titles = primitive.calling_ae_title, primitive.called_ae_title
        contexts = primitive.presentation_context_definition_list
        maximum = primitive.maximum_length_received or 0
    # pynetdicom raises nearly anything for what is no A-ASSOCIATE-RQ.
    except Exception as error:
        raise ProtocolError(INVALID_PARAMETER, "sent an A-ASSOCIATE-RQ PDU that cannot be read") from error
    if titles[0] is None or titles[1] is None or not contexts:
        raise ProtocolError(INVALID_PARAMETER, "sent an A-ASSOCIATE-RQ PDU without titles or presentation contexts")
    if any(context.context_id is None or not context.transfer_syntax for context in contexts):
        raise ProtocolError(INVALID_PARAMETER, "proposed a presentation context without a transfer syntax")
    return Request(primitive, titles[0].strip(), titles[1].strip(), maximum)


def accept(
    request: Request,
    permissions: Set[Permission],
    services: Iterable[SupportedContext],
    *,
    maximum_pdu: int,
    private_sop_classes: Set[str],
) -> tuple[dict[int, Context], bytes]:
    """Return the accepted presentation contexts by their ID, and the A-ASSOCIATE-AC PDU.

    A context of the storage service is accepted with the first transfer syntax that the peer proposes, as nothing is
    decoded. What the peer may not do is rejected by the user (result 1).
    """
    proposed = request.primitive.presentation_context_definition_list
    by_service = {each.abstract_syntax: each for each in services}
    accepted: dict[int, Context] = {}
    results: list[PresentationContext] = []
    replies: dict[str, SCP_SCU_RoleSelectionNegotiation] = {}
    roles = {
        item.sop_class_uid: (item.scu_role, item.scp_role)
        for item in request.primitive.user_information
        if isinstance(item, SCP_SCU_RoleSelectionNegotiation)
    }
    for context in proposed:
        supported, permission = _supported(context, by_service, private_sop_classes)
        # One at a time: the transfer syntaxes of a storage class are the peer's own, and differ between its contexts.
        (result,), answered = negotiate_as_acceptor([context], [supported] if supported else [], roles)
        if result.result == 0 and permission is not None and permission not in permissions:
            result.result = _USER_REJECTION
        results.append(result)
        replies.update({str(item.sop_class_uid): item for item in answered})
        if result.result == 0 and context.context_id is not None:
            accepted[context.context_id] = Context(str(result.abstract_syntax), str(result.transfer_syntax[0]))
    return accepted, _encode_acceptance(request, results, list(replies.values()), maximum_pdu)


def encode_rejection(result: int, source: int, diagnostic: int) -> bytes:
    """Return an A-ASSOCIATE-RJ PDU (PS3.8 section 9.3.4)."""
    pdu = A_ASSOCIATE_RJ()
    pdu.result, pdu.source, pdu.reason_diagnostic = result, source, diagnostic
    return pdu.encode()


def _supported(
    proposed: PresentationContext, services: dict[str, SupportedContext], private_sop_classes: Set[str]
) -> tuple[PresentationContext | None, Permission | None]:
    abstract_syntax = str(proposed.abstract_syntax or "")
    supported = PresentationContext()
    supported.abstract_syntax = proposed.abstract_syntax
    supported.scu_role, supported.scp_role = True, False
    if abstract_syntax == VERIFICATION:
        supported.transfer_syntax = list(_UNCOMPRESSED)
        return supported, Permission.ECHO
    if abstract_syntax in services:
        service = services[abstract_syntax]
        supported.transfer_syntax = list(service.transfer_syntaxes)
        supported.scu_role, supported.scp_role = service.peer_as_scu, service.peer_as_scp
        return supported, service.permission
    if is_storage(abstract_syntax, private_sop_classes):
        # Private ones too, but no other text: it will stand in the file.
        supported.transfer_syntax = [syntax for syntax in proposed.transfer_syntax if is_uid(syntax)]
        return supported, Permission.STORE
    return None, None


def _encode_acceptance(
    request: Request,
    results: list[PresentationContext],
    roles: list[SCP_SCU_RoleSelectionNegotiation],
    maximum_pdu: int,
) -> bytes:
    primitive = A_ASSOCIATE()
    primitive.application_context_name = "1.2.840.10008.3.1.1.1"
    primitive.calling_ae_title = request.primitive.calling_ae_title
    primitive.called_ae_title = request.primitive.called_ae_title
    primitive.result = 0
    primitive.result_source = 1
    primitive.presentation_context_definition_results_list = results
    length, implementation, version = (
        MaximumLengthNotification(),
        ImplementationClassUIDNotification(),
        ImplementationVersionNameNotification(),
    )
    length.maximum_length_received = maximum_pdu
    implementation.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    version.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    primitive.user_information = [length, implementation, version, *roles]
    pdu = A_ASSOCIATE_AC()
    pdu.from_primitive(primitive)
    return pdu.encode()
