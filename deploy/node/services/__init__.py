"""Services beside storage: storage commitment (SCP), performed procedure steps, instance availability.

Receiver processes call :class:`Services` for the requests that are not C-STORE or C-ECHO; the node's own process runs
:class:`deploy.node.services.commitment_calls.CommitmentCalls`. What peers told of their studies stands in the tables
``procedure_steps`` and ``available_instances``, which readiness reads; retention asks
:func:`deploy.node.services.commitment_reports.instances_awaiting_report`.
"""

from __future__ import annotations

from deploy.node.services.contexts import MAXIMUM_DATA_SET_BYTES, supported_contexts
from deploy.node.services.messages import Answer, Command, Requestor, SendRequest, SupportedContext
from deploy.node.services.service import Services

__all__ = [
    "MAXIMUM_DATA_SET_BYTES",
    "Answer",
    "Command",
    "Requestor",
    "SendRequest",
    "Services",
    "SupportedContext",
    "supported_contexts",
]
