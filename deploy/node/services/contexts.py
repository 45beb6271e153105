"""The SOP classes of the services, and in which roles a peer may use them."""

from __future__ import annotations

from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from deploy.node.config import Permission
from deploy.node.services.messages import SupportedContext

STORAGE_COMMITMENT = "1.2.840.10008.1.20.1"
"""Storage Commitment Push Model (PS3.4 annex J)."""

STORAGE_COMMITMENT_INSTANCE = "1.2.840.10008.1.20.1.1"
"""The one instance of it, which every requester names (PS3.4 J.3.5)."""

PROCEDURE_STEP = "1.2.840.10008.3.1.2.3.3"
"""Modality Performed Procedure Step (PS3.4 annex F.7)."""

INSTANCE_AVAILABILITY = "1.2.840.10008.5.1.4.33"
"""Instance Availability Notification (PS3.4 annex R)."""

TRANSFER_SYNTAXES = (str(ExplicitVRLittleEndian), str(ImplicitVRLittleEndian))

MAXIMUM_DATA_SET_BYTES = 64 * 1024**2
"""The largest data set of a request: far more than :data:`MAXIMUM_REFERENCES` need."""

MAXIMUM_REFERENCES = 100_000
"""How many instances one request may name; a study of the largest scanners has some 20,000."""


def supported_contexts() -> tuple[SupportedContext, ...]:
    """Return the presentation contexts of the services.

    Of Storage Commitment a requestor may be the SCP, too: a destination that reports on what the node has asked for
    opens a new association in this role (PS3.4 J.3.3).
    """
    return (
        SupportedContext(STORAGE_COMMITMENT, TRANSFER_SYNTAXES, Permission.COMMIT, peer_as_scp=True),
        SupportedContext(PROCEDURE_STEP, TRANSFER_SYNTAXES, Permission.REPORT),
        SupportedContext(INSTANCE_AVAILABILITY, TRANSFER_SYNTAXES, Permission.REPORT),
    )
