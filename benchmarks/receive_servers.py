"""Receivers to be measured, each a process tree of its own: ``python receive_servers.py NAME FOLDER PORT``."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

GANTRY = "Gantry"
STORESCP = "DCMTK storescp"
ORTHANC = "Orthanc"
PYNETDICOM = "pynetdicom"
LIMIT = "TCP to synced files (limit)"

SERVERS = (GANTRY, STORESCP, ORTHANC, PYNETDICOM)

_DCMTK = "/usr/bin/"
_START_SECONDS = 60.0
_TICK = os.sysconf("SC_CLK_TCK")


@contextmanager
def running(name: str, folder: Path, cores: str) -> Iterator[tuple[int, int]]:
    """Start a server on some cores; yields its port and process id."""
    folder.mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        ["taskset", "-c", cores, *_command(name, folder, port)],
        stdout=subprocess.DEVNULL,
        stderr=(folder.parent / f"{folder.name}.log").open("wb"),
    )
    try:
        _wait_until_listening(port, process)
        # Whoever has several processes or an index starts them behind its port.
        time.sleep(3)
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(folder)


def cpu_seconds(process: int) -> float:
    """Return the processor time that a process tree has used, also of children that have ended."""
    total = 0.0
    for each in (process, *_descendants(process)):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(map(int, fields[11:15])) / _TICK
    return total


def _descendants(process: int) -> Iterator[int]:
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        for child in task.read_text().split():
            yield int(child)
            yield from _descendants(int(child))


def _wait_until_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the server did not start")


def _command(name: str, folder: Path, port: int) -> list[str]:
    if name == STORESCP:
        return [f"{_DCMTK}storescp", "--fork", "-od", str(folder), str(port)]
    if name == ORTHANC:
        config = folder / "orthanc.json"
        config.write_text(
            json.dumps(
                {
                    "Name": "BENCH",
                    "StorageDirectory": str(folder / "storage"),
                    "IndexDirectory": str(folder / "storage"),
                    "DicomAet": "BENCH",
                    "DicomPort": port,
                    "DicomAlwaysAllowStore": True,
                    "HttpServerEnabled": False,
                    "Plugins": [],
                }
            )
        )
        return ["Orthanc", str(config)]
    return [sys.executable, __file__, name, str(folder), str(port)]


def serve_gantry(folder: Path, port: int) -> None:
    """The node's receiver with its spool and its index, as ``gantry serve`` composes them."""
    from deploy.node.access import Rejections
    from deploy.node.config import NodeConfig
    from deploy.node.database import open_database
    from deploy.node.index import ReceiveIndex
    from deploy.node.receive.storage_scp import StorageSCP
    from deploy.node.spool import Spool

    config = NodeConfig.model_validate(
        {
            "data_folder": folder,
            "receive": {"host": "127.0.0.1", "port": port, "ae_title": "BENCH", "processes": 2},
            "peers": {"bench": {"ae_title": "*", "networks": ["127.0.0.0/8"]}},
        }
    )
    database, spool = open_database(folder), Spool(folder)
    spool.open()
    receiver = StorageSCP(config, spool, ReceiveIndex(database, Rejections(database)))
    receiver.start()
    _wait_for_the_end()
    receiver.stop()


def serve_pynetdicom(folder: Path, port: int) -> None:
    """A handler as short as it can be: the encoded data set into a file."""
    from pynetdicom import AE, AllStoragePresentationContexts, evt

    def store(event: evt.Event) -> int:
        path = folder / f"{event.request.AffectedSOPInstanceUID}.dcm"
        path.write_bytes(event.encoded_dataset())
        return 0x0000

    entity = AE(ae_title="BENCH")
    entity.maximum_associations = 64
    entity.supported_contexts = AllStoragePresentationContexts
    entity.start_server(("127.0.0.1", port), block=True, evt_handlers=[(evt.EVT_C_STORE, store)])


def serve_limit(folder: Path, port: int) -> None:
    """Length, bytes into a file, fsync of file and folder, one byte back: what nobody can undercut."""
    with socket.create_server(("127.0.0.1", port), backlog=64) as listening:
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=_copy, args=(connection, folder), daemon=True).start()


def _copy(connection: socket.socket, folder: Path) -> None:
    buffer = memoryview(bytearray(1 << 20))
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while header := connection.recv(4, socket.MSG_WAITALL):
        (left,) = struct.unpack(">I", header)
        file = os.open(folder / f"{uuid4()}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        while left:
            count = connection.recv_into(buffer[: min(left, len(buffer))])
            os.write(file, buffer[:count])
            left -= count
        os.fsync(file)
        os.close(file)
        os.fsync(directory)
        connection.sendall(b"\0")
    os.close(directory)
    connection.close()


def _wait_for_the_end() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    signal.sigwait({signal.SIGTERM})


_SERVE: dict[str, Callable[[Path, int], None]] = {
    GANTRY: serve_gantry,
    PYNETDICOM: serve_pynetdicom,
    LIMIT: serve_limit,
}

if __name__ == "__main__":
    _SERVE[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
