"""The presentation contexts of a C-GET: each transfer syntax in a context of its own, so that nothing is converted."""

from __future__ import annotations

from collections.abc import Collection

from pydicom.uid import (
    JPEG2000,
    MPEG2MPHL,
    MPEG2MPML,
    MPEG4HP41,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import (
    PresentationContext,
    StoragePresentationContexts,
    build_context,
    build_role,
)

_UNCOMPRESSED = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
"""Interchangeable (PS3.5 section 10.1): one context for both."""

_OTHERS: tuple[UID, ...] = (
    JPEGLosslessSV1,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
    JPEGBaseline8Bit,
    JPEG2000,
    JPEGExtended12Bit,
    JPEGLSNearLossless,
    JPEGLossless,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    MPEG4HP41,
    MPEG2MPHL,
    MPEG2MPML,
)
"""The most usual first."""

_USUAL = frozenset(str(context.abstract_syntax) for context in StoragePresentationContexts)

_MAXIMUM = 127
"""Presentation contexts beside that of the query model: identifiers are odd numbers up to 255 (PS3.8 table 9-18)."""


def get_contexts(
    sop_classes: Collection[str],
) -> tuple[list[PresentationContext], list[SCP_SCU_RoleSelectionNegotiation]]:
    """Return contexts, and roles in which the node is SCP, to be sent instances of these SOP classes (PS3.4 C.5.3).

    Without any SOP class, as where the archive does not tell what it has, these are the usual ones. Where an
    association cannot hold a context for each transfer syntax, the rarer ones, or all, share one, of which the archive
    chooses: what it cannot convert it does not send then.
    """
    chosen = sorted(sop_classes or _USUAL)[:_MAXIMUM]
    each = _MAXIMUM // len(chosen)
    contexts = []
    for sop_class in chosen:
        alone, together = _OTHERS[: each - 1], _OTHERS[each - 1 :]
        if each == 1:
            contexts.append(build_context(sop_class, [*_UNCOMPRESSED, *_OTHERS]))
            continue
        if together:
            alone, together = _OTHERS[: each - 2], _OTHERS[each - 2 :]
        contexts.append(build_context(sop_class, list(_UNCOMPRESSED)))
        contexts += [build_context(sop_class, syntax) for syntax in alone]
        if together:
            contexts.append(build_context(sop_class, list(together)))
    return contexts, [build_role(sop_class, scp_role=True) for sop_class in chosen]
