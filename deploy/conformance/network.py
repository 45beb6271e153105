"""Services, presentation contexts and association policies, as they stand in the node's code."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import get_args, get_type_hints

from pydantic import ValidationError
from pydicom._uid_dict import UID_dictionary
from pydicom.uid import UID, ExplicitVRLittleEndian, ParametricMapStorage
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

from apps.run import app_manifest, app_names
from deploy.conformance.markdown import table
from deploy.node.config import DestinationConfig
from deploy.node.receive import statuses as received
from deploy.node.send import files as sent
from deploy.node.send import peer as called
from deploy.node.services import supported_contexts
from deploy.node.verify.iods.sop_classes import RESULT_SOP_CLASSES
from operators.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from operators.write.base.encode import LOSSLESS
from operators.write.segments.form import SegmentationForm

_QUERIES = (
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

_SERVICES = {
    context.abstract_syntax: "where a destination asks for it" if context.peer_as_scp else ""
    for context in supported_contexts()
}
"""The services beside storage, and when the node uses them itself."""


def uid_name(uid: str) -> str:
    """Return the name of a SOP class or transfer syntax."""
    return RESULT_SOP_CLASSES.get(uid) or str(UID(uid).name)


def services() -> str:
    """Return the SOP classes with their roles."""
    rows = [(uid_name(str(Verification)), str(Verification), "", "yes")]
    rows.append(("every storage SOP class (PS3.4 annex B.5), private ones where configured", "any", "", "yes"))
    rows += [(uid_name(uid), uid, "yes", "yes") for uid in sorted(RESULT_SOP_CLASSES, key=uid_name)]
    rows += [(uid_name(uid), uid, role, "yes") for uid, role in _SERVICES.items()]
    rows += [(uid_name(uid), str(uid), "where an archive is configured", "") for uid in _QUERIES]
    return table(("SOP class", "UID", "user (SCU)", "provider (SCP)"), rows)


def analysed() -> str:
    """Return the SOP classes that the installed apps analyse."""
    rows = []
    for name in app_names():
        manifest = app_manifest(name)
        for role in manifest.inputs.values():
            for keyword in role.sop_classes:
                uid = next(uid for uid, entry in UID_dictionary.items() if entry[4] == keyword)
                rows.append((manifest.application.title, role.title, uid_name(uid), uid))
    return table(("app", "input", "SOP class", "UID"), rows)


def initiation() -> str:
    """Return the association policies of the requestor."""
    destination = DestinationConfig(ae_title="PACS", host="pacs", port=104)
    return table(
        ("policy", "value"),
        (
            ("calling AE title", "the node's own (`receive.ae_title`)"),
            ("called AE title, address, port", "of the destination (`destinations.NAME`)"),
            ("associations at a time", "one for each destination"),
            ("connection refused after", f"{called.CONNECTION_SECONDS:g} s"),
            ("negotiation given up after", f"{called.NEGOTIATION_SECONDS:g} s"),
            ("answer to a request awaited for", f"{destination.answer_seconds:g} s, configurable"),
            (
                "retry",
                f"after {destination.first_retry_seconds:g} s, each time twice as late up to "
                f"{destination.longest_retry_seconds:g} s, configurable; never given up",
            ),
            ("asynchronous operations window", "not supported: one request at a time"),
            ("SOP class extended negotiation", "not supported"),
        ),
    )


def proposed() -> str:
    """Return the presentation contexts proposed for results: the transfer syntaxes that each is written in."""
    rows = []
    for sop_class in sorted(RESULT_SOP_CLASSES, key=uid_name):
        rows += [(uid_name(sop_class), sop_class, uid_name(syntax), syntax) for syntax in transfer_syntaxes(sop_class)]
    return table(("abstract syntax", "UID", "transfer syntax", "UID"), rows)


def transfer_syntaxes(sop_class: str) -> list[str]:
    """Return the transfer syntaxes that results of a SOP class are written in, Explicit VR Little Endian first."""
    found = {str(ExplicitVRLittleEndian)}
    found |= {str(form.transfer_syntax_uid) for form in _forms() if form.sop_class_uid == sop_class}
    if sop_class == ParametricMapStorage:
        found |= set(map(str, LOSSLESS))
    return sorted(found, key=lambda uid: (uid != ExplicitVRLittleEndian, uid))


def _forms() -> Iterator[SegmentationForm]:
    hints = get_type_hints(SegmentationForm)
    for kind, encoding in product(get_args(hints["type"]), get_args(hints["encoding"])):
        try:
            yield SegmentationForm(kind, encoding)
        # Not every kind can be encoded in every way.
        except ValidationError:
            continue


def statuses() -> str:
    """Return the statuses of C-STORE responses, given and taken."""
    given = (
        (
            received.SUCCESS,
            "Success",
            "the instance is on the disk of the node, under its final name, and synchronised",
        ),
        (received.OUT_OF_RESOURCES, "Refused: out of resources", "there is no room, or the instance is too large"),
        (
            received.DATA_SET_MISMATCH,
            "Error: data set does not match",
            "SOP class or instance differ from the request's",
        ),
        (
            received.CANNOT_UNDERSTAND,
            "Error: cannot understand",
            "there is no data set, or no legible identifiers in it",
        ),
        (received.PROCESSING_FAILURE, "Processing failure", "anything else that went wrong in the node"),
    )
    warnings = ["Bxxx", *(f"{code:04X}" for code in sent.WARNINGS)]
    taken = [
        (f"{sent.SUCCESS:04X}", "delivered"),
        (", ".join(warnings), "delivered; the warning is kept"),
        ("A7xx", "not delivered; nothing more is sent for a while, then again"),
        ("any other", "not delivered; sent again later"),
    ]
    return "\n\n".join(
        (
            "As provider:",
            table(("status", "meaning", "when"), ((f"{code:04X}", *rest) for code, *rest in given)),
            "As user:",
            table(
                ("status of the peer", "what the node does"),
                taken,
            ),
        )
    )


def implementation() -> str:
    """Return how the implementation identifies itself."""
    return table(
        ("", ""),
        (
            ("Implementation Class UID", f"`{IMPLEMENTATION_CLASS_UID}`"),
            ("Implementation Version Name", f"`{IMPLEMENTATION_VERSION_NAME}`"),
        ),
    )
