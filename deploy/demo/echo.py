"""Ask a peer whether it is there: C-ECHO (PS3.7 section 9.1.5)."""

from __future__ import annotations

from pynetdicom import AE
from pynetdicom.sop_class import Verification

SUCCESS = 0x0000

AE_TITLE = "GANTRY_DEMO"
"""Who asks."""


def answers_echo(host: str, port: int, called_ae_title: str) -> bool:
    """Whether a peer accepts an association under this AE title and answers C-ECHO with success."""
    entity = AE(ae_title=AE_TITLE)
    entity.connection_timeout = 2
    entity.add_requested_context(Verification)
    association = entity.associate(host, port, ae_title=called_ae_title)
    if not association.is_established:
        return False
    try:
        return bool(association.send_c_echo().get("Status") == SUCCESS)
    finally:
        association.release()
