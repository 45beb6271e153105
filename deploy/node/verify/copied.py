"""What results copy from their source as it is: another patient's or order's if we put it right."""

from __future__ import annotations

from deploy.node.verify.elements import tag_of
from operators.write.base.identity import PATIENT_AND_STUDY

COPIED = frozenset(PATIENT_AND_STUDY) | frozenset(
    {
        "RequestAttributesSequence",
        "ReferencedPerformedProcedureStepSequence",
        # within an item of the Referenced Request Sequence
        "IssuerOfAccessionNumberSequence",
        "OrderFillerIdentifierSequence",
        "OrderPlacerIdentifierSequence",
        "FillerOrderNumberImagingServiceRequest",
        "PlacerOrderNumberImagingServiceRequest",
        "ReasonForRequestedProcedureCodeSequence",
        "ReasonForTheRequestedProcedure",
        "RequestedProcedureCodeSequence",
        "RequestedProcedureDescription",
        "RequestedProcedureID",
    }
)
"""Keywords of attributes whose values, items and references are the source's own, wrong, retired or right."""

COPIED_TAGS = frozenset(tag_of(keyword) for keyword in COPIED)
"""Their tags."""
