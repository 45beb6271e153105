"""The metrics' values, against rows that the test has written."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from deploy.node.access import Rejection, Rejections
from deploy.node.config import NodeConfig
from deploy.node.database import DiskSample, JobState, PausedApp
from deploy.node.disk import Space
from deploy.node.index import ReceiveIndex
from deploy.node.metrics import NodeMetrics, ReceiveCounts
from deploy.node.receive.reports import OpenAssociation, RefusedInstance
from tests.deploy.node.disk.kept import Kept, ago, delivery

Values = dict[tuple[str, ...], float]


class Scraped:
    """A node's metrics as Prometheus reads them."""

    def __init__(self, kept: Kept) -> None:
        config = NodeConfig.model_validate(
            {
                "data_folder": str(kept.folder),
                "destinations": {
                    "pacs": {"ae_title": "PACS", "host": "127.0.0.1", "port": 104},
                    "idle": {"ae_title": "IDLE", "host": "127.0.0.1", "port": 104},
                },
                "disk": {"reserve_gib": 0},
            }
        )
        self.rejections = Rejections(kept.database)
        self.counts = ReceiveCounts(ReceiveIndex(kept.database, self.rejections))
        self.registry = CollectorRegistry()
        space = Space(kept.folder, config.disk)
        self.registry.register(NodeMetrics(config, kept.database, space, self.counts, self.rejections))

    def read(self) -> Values:
        text = generate_latest(self.registry).decode()
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_what_is_received_is_counted_when_the_index_has_it(kept: Kept) -> None:
    scraped = Scraped(kept)
    assert scraped.read()["gantry_received_instances_total", "new"] == 0
    path = kept.store(1, 0, index=False)
    scraped.counts.received([kept.spool.read(path)])
    scraped.counts.received([RefusedInstance("SCANNER", 0xA700, "full"), OpenAssociation("SCANNER", "127.0.0.1")])
    scraped.rejections.add(Rejection("calling-title", "nobody knows it", "127.0.0.1"))
    values = scraped.read()
    assert values["gantry_received_instances_total", "new"] == 1
    assert values["gantry_received_bytes_total",] == kept.spool.read(path).size
    assert values["gantry_refused_instances_total", "A700"] == 1
    assert values["gantry_associations_total",] == 1
    assert values["gantry_rejected_callers_total", "calling-title"] == 1
    assert values["gantry_undecided_studies",] == 1


def test_jobs_and_deliveries_that_wait_are_told_with_their_age(kept: Kept) -> None:
    uid = kept.add_study(1)
    kept.add_job(uid, JobState.QUEUED, age=0.5)
    kept.add_job(uid, JobState.DELIVERING, age=1, deliveries=[delivery("1.1", delivered=False), delivery("1.2")])
    with kept.database.write() as session:
        session.add(PausedApp(app="app", since=ago(0)))
    values = Scraped(kept).read()
    assert values["gantry_jobs", "app", "queued"] == values["gantry_jobs", "app", "delivering"] == 1
    assert values["gantry_queued_job_oldest_seconds", "app"] == pytest.approx(43200, abs=600)
    assert values["gantry_app_paused", "app"] == 1
    assert values["gantry_waiting_deliveries", "pacs", "unsent"] == 1
    assert values["gantry_waiting_deliveries", "idle", "unsent"] == 0
    assert values["gantry_waiting_delivery_oldest_seconds", "pacs"] == pytest.approx(86400, abs=600)
    assert values["gantry_destination_circuit", "idle", "closed"] == 1


def test_time_to_full_is_told(kept: Kept) -> None:
    scraped = Scraped(kept)
    assert scraped.read()["gantry_disk_seconds_to_reserve",] == float("inf")
    now = datetime.now(timezone.utc)
    with kept.database.write() as session:
        session.add(DiskSample(at=now - timedelta(seconds=100), free=3000))
        session.add(DiskSample(at=now, free=2000))
    values = scraped.read()
    assert values["gantry_disk_seconds_to_reserve",] == pytest.approx(200.0)
    assert values["gantry_database_bytes",] >= 4096
    assert values["gantry_disk_free_bytes",] > 0


def test_without_a_database_the_rest_is_told(kept: Kept) -> None:
    scraped = Scraped(kept)
    with kept.database.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE studies RENAME TO gone")
    values = scraped.read()
    assert values["gantry_database_up",] == 0
    assert values["gantry_disk_free_bytes",] > 0
    assert ("gantry_undecided_studies",) not in values
