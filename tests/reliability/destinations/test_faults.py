"""Every fault of a network, of an archive: all is delivered once it is over, in order, and nobody else notices."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.node.database import open_database
from tests.deploy.node.archive import Archive
from tests.deploy.node.outbox.waiting import Waiting, running, store_destination
from tests.reliability.destinations.network import Fault, FaultyNetwork, Weather
from tests.waiting import until

JOBS = 5


@pytest.fixture
def waiting(tmp_path: Path) -> Waiting:
    return Waiting(open_database(tmp_path), tmp_path)


@pytest.mark.parametrize(
    "fault", [Fault.REFUSE, Fault.HANG, Fault.RESET, Fault.HALF_CLOSE, Fault.SILENCE], ids=lambda fault: fault.name
)
def test_all_arrives_in_order_once_the_network_is_well(waiting: Waiting, fault: Fault) -> None:
    jobs = [waiting.add_job("ill", "well") for _ in range(JOBS)]
    with Archive() as ill, Archive() as well, FaultyNetwork(ill.port, Weather(fault)) as network:
        # A silent peer is given up soon.
        config = store_destination(network.port, answer_seconds=0.5)
        with running(waiting.queue("ill", config), waiting.queue("well", store_destination(well.port))):
            # The other destination has all of it while this one has nothing.
            until(lambda: waiting.is_delivered("well"))
            until(lambda: bool(waiting.events("destination-unreachable")))
            assert not any(row.delivered for row in waiting.deliveries(destination="ill"))
            network.become(Weather())
            until(lambda: waiting.is_delivered("ill"))
    assert ill.sop_instance_uids == waiting.uids("ill")
    assert well.sop_instance_uids == waiting.uids("well")
    assert all(waiting.state(job).is_final for job in jobs)
