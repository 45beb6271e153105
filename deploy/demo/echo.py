"""Ask a peer whether it is there: C-ECHO (PS3.7 section 9.1.5)."""

from __future__ import annotations

from pynetdicom.presentation import build_context
from pynetdicom.sop_class import Verification

from deploy.node.query.requestor import PeerAddress, PeerError, associate

SUCCESS = 0x0000

AE_TITLE = "GANTRY_DEMO"
"""Who asks."""


def answers_echo(host: str, port: int, called_ae_title: str) -> bool:
    """Whether a peer accepts an association under this AE title and answers C-ECHO with success."""
    peer = PeerAddress(host, port, called_ae_title, AE_TITLE)
    try:
        with associate(peer, [build_context(Verification)], answer_seconds=10) as association:
            return bool(association.send_c_echo().get("Status") == SUCCESS)
    except PeerError:
        return False
