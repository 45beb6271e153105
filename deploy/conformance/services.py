"""The services beside storage: storage commitment, procedure steps, availability, query and retrieve."""

from __future__ import annotations

from deploy.conformance.markdown import table
from deploy.node.query import requestor
from deploy.node.services import MAXIMUM_DATA_SET_BYTES, commitment_reports, contexts, statuses

_WHEN = (
    (statuses.SUCCESS, "Success", "what was asked or told is written down durably"),
    (
        statuses.INVALID_ATTRIBUTE_VALUE,
        "Invalid attribute value",
        "a procedure step or notification has a value that is none of the standard's, or is no UID",
    ),
    (
        statuses.PROCESSING_FAILURE,
        "Processing failure",
        "the data set cannot be parsed; a procedure step in its final state (Error ID "
        f"{statuses.MAY_NO_LONGER_BE_UPDATED:04X}); anything else that went wrong in the node",
    ),
    (statuses.DUPLICATE_SOP_INSTANCE, "Duplicate SOP instance", "a step or notification of that UID is there"),
    (statuses.NO_SUCH_SOP_INSTANCE, "No such SOP instance", "there is no such step; not the well-known instance"),
    (statuses.NO_SUCH_EVENT_TYPE, "No such event type", "another Event Type ID than 1 or 2"),
    (
        statuses.INVALID_ARGUMENT_VALUE,
        "Invalid argument value",
        "what is no UID; a Transaction UID in use for other instances, or that the node has not given",
    ),
    (statuses.NO_SUCH_SOP_CLASS, "No such SOP class", "not that of the presentation context"),
    (statuses.MISSING_ATTRIBUTE, "Missing attribute", "an attribute of type 1 is absent, a sequence has no item"),
    (statuses.MISSING_ATTRIBUTE_VALUE, "Missing attribute value", "an attribute of type 1 is empty"),
    (statuses.NO_SUCH_ACTION, "No such action", "another Action Type ID than 1"),
    (statuses.UNRECOGNIZED_OPERATION, "Unrecognized operation", "the SOP class has no such service here"),
    (
        statuses.RESOURCE_LIMITATION,
        "Resource limitation",
        f"more than {contexts.MAXIMUM_REFERENCES:,} references; the disk is full",
    ),
)


def service_statuses() -> str:
    """Return the statuses of normalized services, as provider."""
    return table(("status", "meaning", "when"), ((f"{code:04X}", *rest) for code, *rest in _WHEN))


def commitment_policies() -> str:
    """Return how commitment is reported."""
    return table(
        ("policy", "value"),
        (
            ("report", "over the association of the request, or else over a new one, as SCP by role selection"),
            (
                "Failure Reasons",
                f"{statuses.REASON_NO_SUCH_INSTANCE:04X} no such object instance, "
                f"{statuses.REASON_CLASS_INSTANCE_CONFLICT:04X} class/instance conflict",
            ),
            ("references in a request", f"at most {contexts.MAXIMUM_REFERENCES:,}"),
            ("data set of a request", f"at most {MAXIMUM_DATA_SET_BYTES // 2**20} MiB"),
            (
                "report not taken",
                f"again after {commitment_reports.FIRST_RETRY_SECONDS:g} s, each time twice as late up to "
                f"{commitment_reports.LONGEST_RETRY_SECONDS:g} s, for {commitment_reports.GIVEN_UP_DAYS:g} days",
            ),
            ("duration", "until the site's retention (`disk`) deletes the study; never before the report is taken"),
            ("retrieval", "none: the node does not give images back, and no Retrieve AE Title is reported"),
        ),
    )


def query_policies() -> str:
    """Return the association policies of queries and retrieves."""
    return table(
        ("policy", "value"),
        (
            ("information model", "Study Root; levels STUDY, SERIES and IMAGE, hierarchical; no relational queries"),
            (
                "keys at STUDY level",
                "Patient ID, Study Instance UID, Accession Number and Study Date to match; Study Time and Description, "
                "Modalities in Study, SOP Classes in Study and Number of Study Related Instances are asked for",
            ),
            (
                "keys at SERIES level",
                "Study Instance UID to match; Series Instance UID, Modality, Series Description, Series Number and "
                "Number of Series Related Instances are asked for",
            ),
            ("keys at IMAGE level", "Study and Series Instance UID to match; SOP Instance and SOP Class UID"),
            (
                "C-GET",
                "storage as SCP by role selection, a presentation context for each transfer syntax where the archive "
                "tells the SOP classes",
            ),
            ("C-MOVE", "to the node's own AE title"),
            ("connection refused after", f"{requestor.CONNECTION_SECONDS:g} s"),
            ("negotiation given up after", f"{requestor.NEGOTIATION_SECONDS:g} s"),
            ("answer awaited for", "`archives.NAME.answer_seconds`"),
        ),
    )
