"""The outbox: one queue and one thread for each destination, so that none waits for another.

Files wait in ``outbox/<job>/``. What cannot be delivered is tried again for ever, later each time; only this room
changes deliveries.
"""

from __future__ import annotations

from deploy.node.config import NodeConfig
from deploy.node.database import Database
from deploy.node.outbox.circuit import Circuit
from deploy.node.outbox.commitment import take_commitment_report
from deploy.node.outbox.destinations import addressees, destinations_of, hold_unaddressed
from deploy.node.outbox.queue import DestinationQueue
from deploy.node.outbox.retention import FOLDER_NAME, deliverable_files_done, redeliver
from deploy.node.outbox.senders import sender_for
from deploy.node.outbox.status import DestinationStatus, destination_statuses, resume_destination

__all__ = [
    "FOLDER_NAME",
    "Circuit",
    "DestinationQueue",
    "DestinationStatus",
    "Outbox",
    "addressees",
    "deliverable_files_done",
    "destination_statuses",
    "destinations_of",
    "hold_unaddressed",
    "redeliver",
    "resume_destination",
    "sender_for",
    "take_commitment_report",
]


class Outbox:
    """The queues of a node, by the name of their destination."""

    def __init__(self, config: NodeConfig, database: Database) -> None:
        self._database = database
        self.queues = {
            name: DestinationQueue(
                name, destination, database, config.data_folder, calling_ae_title=config.receive.ae_title
            )
            for name, destination in destinations_of(config).items()
        }

    def take_up(self) -> None:
        """Say what waits for destinations that cannot be called; to be called once at the start."""
        with self._database.write() as session:
            hold_unaddressed(session, self.queues.keys(), repeat=True)

    def results_came(self) -> None:
        """Tell the queues that there are new deliveries."""
        with self._database.write() as session:
            hold_unaddressed(session, self.queues.keys(), repeat=False)
        for queue in self.queues.values():
            queue.bell.ring()

    def hang_up(self) -> None:
        """Give up what is being sent: the node stops."""
        for queue in self.queues.values():
            queue.hang_up()
