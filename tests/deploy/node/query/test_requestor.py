"""Associations that the node asks for."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.dimse_primitives import C_FIND
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind, Verification

from deploy.node.query.requestor import PeerAddress, PeerError, associate
from tests.peers import free_port

FIND = StudyRootQueryRetrieveInformationModelFind


@pytest.fixture
def peer() -> Iterator[PeerAddress]:
    """A peer that knows two studies."""

    def find(event: evt.Event) -> Iterator[tuple[int, Dataset]]:
        for number in range(2):
            match = Dataset()
            match.QueryRetrieveLevel, match.StudyInstanceUID = "STUDY", f"1.2.{number}"
            yield 0xFF00, match

    entity, port = AE(ae_title="PEER"), free_port()
    entity.add_supported_context(FIND)
    server = entity.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_FIND, find)])
    yield PeerAddress("127.0.0.1", port, "PEER", "GANTRY")
    server.shutdown()


def test_an_answer_is_left_to_who_has_asked(peer: PeerAddress) -> None:
    identifier = Dataset()
    identifier.QueryRetrieveLevel, identifier.StudyInstanceUID = "STUDY", ""
    answer = C_FIND()
    answer.MessageIDBeingRespondedTo, answer.AffectedSOPClassUID, answer.Status = 1, FIND, 0xFF00
    with associate(peer, [build_context(FIND)]) as association:
        # As if it had come before pynetdicom's own thread has paused, which looks for messages every millisecond.
        association.dimse.msg_queue.put((1, answer))
        time.sleep(0.2)
        assert association.dimse.msg_queue.qsize() == 1
        assert association.dimse.get_msg(block=True) == (1, answer)
        found = [match.StudyInstanceUID for _, match in association.send_c_find(identifier, FIND) if match]
    assert found == ["1.2.0", "1.2.1"]
    assert association.is_released


def test_who_does_not_accept_what_is_asked_for_is_named(peer: PeerAddress) -> None:
    with (
        pytest.raises(PeerError, match="accepts none of Verification SOP Class"),
        associate(peer, [build_context(Verification)]),
    ):
        pass
