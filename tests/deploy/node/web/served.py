"""The HTTP side of a node, served within the test's process; and requests for storing as senders make them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import requests
from prometheus_client import CollectorRegistry, Gauge
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian
from sqlalchemy import select

from deploy.node import file_meta
from deploy.node.access import Rejections
from deploy.node.config import NodeConfig, TLSConfig
from deploy.node.database import Database, Event, Instance, open_database
from deploy.node.disk import Space
from deploy.node.file_meta import FileMeta
from deploy.node.index import ReceiveIndex
from deploy.node.spool import Spool
from deploy.node.web import WebSide, node_problems
from tests.deploy.node.sending import encoded
from tests.peers import free_port
from tests.waiting import until

TOKEN = "0123456789abcdef0123456789abcdef"
OTHER_TOKEN = "fedcba9876543210fedcba9876543210"
ELSEWHERE_TOKEN = "ffffffffffffffff0000000000000000"


@dataclass
class Served:
    """A running HTTP side and what is behind it."""

    url: str
    port: int
    spool: Spool
    database: Database
    side: WebSide

    def post(
        self, body: bytes | Iterable[bytes], path: str = "/studies", *, token: str | None = TOKEN, **more: Any
    ) -> requests.Response:
        """One request for storing."""
        headers = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=B', **more.pop("headers", {})}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return requests.post(self.url + path, data=body, headers=headers, timeout=60, **more)

    def files(self) -> list[str]:
        """What lies in the spool, whatever it is."""
        return sorted(
            str(path.relative_to(self.spool.folder)) for path in self.spool.folder.rglob("*") if path.is_file()
        )

    def instances(self) -> list[Instance]:
        with self.database.read() as session:
            return list(session.scalars(select(Instance).order_by(Instance.id)))

    def wait_for_event(self, kind: str, **data: object) -> Event:
        """Return the newest event of a kind with these facts; more time than this means that it never comes."""
        until(lambda: bool(self._events(kind, data)))
        return self._events(kind, data)[-1]

    def _events(self, kind: str, data: dict[str, object]) -> list[Event]:
        with self.database.read() as session:
            events = session.scalars(select(Event).where(Event.kind == kind).order_by(Event.id))
            return [event for event in events if data.items() <= event.data.items()]


@contextmanager
def served(folder: Path, *, tls: TLSConfig | None = None, **more: Any) -> Iterator[Served]:
    """Serve with three peers that have tokens; ``more`` are other parts of the configuration."""
    tokens = {"sender": TOKEN, "other": OTHER_TOKEN, "elsewhere": ELSEWHERE_TOKEN}
    for name, token in tokens.items():
        (folder / f"{name}.token").write_text(token + "\n")
    peers: dict[str, dict[str, Any]] = {
        "sender": {"ae_title": "SENDER", "networks": ["127.0.0.0/8"]},
        "other": {"ae_title": "OTHER", "networks": ["127.0.0.0/8"], "may": ["echo"]},
        "elsewhere": {"ae_title": "ELSEWHERE", "networks": ["10.0.0.0/8"]},
    }
    for name, peer in peers.items():
        peer["token_file"] = folder / f"{name}.token"
    port = free_port()
    web = {"host": "127.0.0.1", "port": port, "tls": tls, **more.pop("web", {})}
    config = NodeConfig.model_validate(
        {"data_folder": folder / "data", "peers": {**peers, **more.pop("peers", {})}, "web": web, **more}
    )
    assert config.web is not None
    database = open_database(config.data_folder)
    spool = Spool(config.data_folder)
    spool.open()
    rejections = Rejections(database)
    space = Space(config.data_folder, config.disk)
    registry = CollectorRegistry()
    Gauge("gantry_test", "One value.", registry=registry).set(42)
    index = ReceiveIndex(database, rejections)
    problems = partial(node_problems, database, space, lambda: True)
    side = WebSide(config, config.web, spool, index, space, rejections, registry, problems)
    side.start()
    stop = threading.Event()
    threads = [threading.Thread(target=each, args=(stop,)) for each in (side.run, rejections.run)]
    for thread in threads:
        thread.start()
    try:
        yield Served(f"http{'s' if tls else ''}://127.0.0.1:{port}", port, spool, database, side)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        database.close()


def dicom_file(image: Dataset, syntax: UID = ExplicitVRLittleEndian, **named: str) -> bytes:
    """A DICOM file; ``named`` are other values for its File Meta Information."""
    meta = {
        "sop_class_uid": image.SOPClassUID,
        "sop_instance_uid": image.SOPInstanceUID,
        "transfer_syntax_uid": syntax,
        "calling_ae_title": "A",
        "called_ae_title": "B",
        **named,
    }
    return file_meta.encode(FileMeta(**meta)) + encoded(image, syntax)


def related(files: Sequence[bytes], kind: str = "application/dicom") -> bytes:
    """A body of multipart/related with these parts; its boundary is B."""
    parts = [b"--B\r\nContent-Type: " + kind.encode() + b"\r\n\r\n" + file + b"\r\n" for file in files]
    return b"".join(parts) + b"--B--\r\n"
