from __future__ import annotations

import pytest

from deploy.node.config import Permission
from deploy.node.receive.negotiation import accept, decode_request
from tests.reliability.upper_layer import EXPLICIT, Proposal, associate_request

MR = "1.2.840.10008.5.1.4.1.1.4"
PRIVATE = "1.2.840.113619.5.2"


def accepted(*proposals: Proposal) -> dict[int, tuple[str, str]]:
    request = decode_request(associate_request(proposals))
    contexts, _ = accept(request, set(Permission), (), maximum_pdu=65536, private_sop_classes=set())
    return {number: (context.abstract_syntax, context.transfer_syntax) for number, context in contexts.items()}


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_a_storage_context_is_accepted_with_the_first_transfer_syntax_that_is_one() -> None:
    assert accepted(Proposal(1, MR, (PRIVATE, EXPLICIT)), Proposal(3, MR, ("1.2/../3", EXPLICIT))) == {
        1: (MR, PRIVATE),
        3: (MR, EXPLICIT),
    }


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_what_is_no_uid_is_not_accepted() -> None:
    assert accepted(Proposal(1, f"{MR}.../x"), Proposal(3, MR, ("1.2 ..",)), Proposal(5, f"{MR}.%s")) == {}
