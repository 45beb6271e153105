"""Peers that stall at every point of a conversation: the node has to let go of each in its time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence

from pydicom.uid import MRImageStorage

from tests.reliability.upper_layer import VERIFICATION, Proposal, associate_request, echo_command, p_data, store_command

_MARGIN_SECONDS = 25.0
"""How much later than its timeout the node may notice, on a machine that is busy."""

_PROPOSALS = (Proposal(1, str(MRImageStorage)), Proposal(3, VERIFICATION))
_REQUEST = associate_request(_PROPOSALS, calling="STALLING")
_STORE = p_data(1, store_command(1, str(MRImageStorage), "2.25.1"), command=True, last=True)

_STALLS: Sequence[bytes] = (
    b"",
    _REQUEST[:3],
    _REQUEST[:100],
    _REQUEST,
    _REQUEST + _STORE[:20],
    _REQUEST + _STORE,
    _REQUEST + _STORE + p_data(1, bytes(500), command=False, last=False),
    _REQUEST + p_data(1, bytes(500), command=False, last=False)[:100],
    # It asks, and takes no answer; it never releases.
    _REQUEST + p_data(3, echo_command(1), command=True, last=True) * 3,
)


class Stalls:
    """One connection for each way to stall, again and again; ``ended`` counts those that the node has closed."""

    def __init__(self, port: int, seconds: float) -> None:
        self._port = port
        self._seconds = seconds
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self.ended = 0
        self.findings: list[str] = []

    def __enter__(self) -> Stalls:
        for number, beginning in enumerate(_STALLS):
            thread = threading.Thread(target=self._again_and_again, args=(number, beginning), daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _again_and_again(self, number: int, beginning: bytes) -> None:
        while not self._stop.is_set():
            begun = time.monotonic()
            try:
                closed = self._stall(beginning)
            except OSError as error:
                closed = not isinstance(error, ConnectionRefusedError)
            if closed:
                with self._lock:
                    self.ended += 1
            elif not self._stop.is_set():
                with self._lock:
                    self.findings.append(f"stall {number} was not ended within {time.monotonic() - begun:.0f} s")
                return

    def _stall(self, beginning: bytes) -> bool:
        """Return whether the node has closed the connection in its time."""
        with socket.create_connection(("127.0.0.1", self._port), timeout=1.0) as connection:
            connection.sendall(beginning)
            deadline = time.monotonic() + self._seconds + _MARGIN_SECONDS
            while time.monotonic() < deadline and not self._stop.is_set():
                try:
                    if not connection.recv(1 << 16):
                        return True
                except TimeoutError:
                    continue
            return False
