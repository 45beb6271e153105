from __future__ import annotations

import socket
import threading

import pytest

from deploy.node.receive import storage_scp
from tests.peers import free_port


def test_a_port_that_a_killed_node_leaves_late_is_waited_for() -> None:
    port = free_port()
    held = socket.create_server(("127.0.0.1", port))
    timer = threading.Timer(0.5, held.close)
    timer.start()
    with storage_scp._listen("127.0.0.1", port) as listening:
        assert listening.getsockname()[1] == port
    timer.join()


def test_a_port_that_stays_taken_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_scp, "_PORT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as held, pytest.raises(OSError, match="in use"):
        storage_scp._listen("127.0.0.1", held.getsockname()[1])
