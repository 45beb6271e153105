"""One TCP or TLS connection to a peer that may be slow, silent or gone."""

from __future__ import annotations

import fcntl
import select
import socket
import ssl
import struct
import termios
import time

from deploy.node.config import ConfigError
from deploy.node.send.peer import CONNECTION_SECONDS, DestinationError, Peer

_LOOK_SECONDS = 0.5
"""How often to look whether a silent peer still takes what was written."""

_TLS_BYTES = 16384
"""One TLS record: a write of more has to end within one time limit."""


class Connection:
    """Reads and writes with patience: as long as the peer takes or sends anything, however slowly, it is there."""

    def __init__(self, peer: Peer) -> None:
        """Connect. Raises :class:`DestinationError`."""
        # Imported here: who sends without TLS needs no certificates.
        from deploy.node.access import client_context

        try:
            self._socket = socket.create_connection((peer.host, peer.port), timeout=CONNECTION_SECONDS)
            # A message is written in parts, and the peer may delay its acknowledgements (Nagle's algorithm).
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            raise DestinationError(f"{peer} cannot be reached: {error.strerror or error}") from error
        if peer.tls is not None:
            try:
                self._socket = client_context(peer.tls).wrap_socket(self._socket, server_hostname=peer.host)
            except (OSError, ConfigError) as error:
                self._socket.close()
                raise DestinationError(f"{peer} cannot be reached by TLS: {error}") from error

    def write(self, data: bytes, seconds: float) -> None:
        """Write all of it. Raises :class:`OSError`; :class:`TimeoutError` if the peer takes nothing for so long."""
        view = memoryview(data)
        self._socket.settimeout(seconds)
        secured = isinstance(self._socket, ssl.SSLSocket)
        while view:
            view = view[self._socket.send(view[:_TLS_BYTES] if secured else view) :]

    def read(self, count: int, seconds: float) -> bytes:
        """Read exactly so many bytes.

        The peer may be silent for ``seconds``; while it still takes what was written before, it is not silent. Raises
        :class:`OSError`.
        """
        self._acknowledge_at_once()
        data = bytearray(count)
        view = memoryview(data)
        while view:
            wait_for_input(self._socket, seconds)
            self._socket.settimeout(seconds)
            got = self._socket.recv_into(view)
            if got == 0:
                raise ConnectionResetError("the peer closed the connection")
            view = view[got:]
        return bytes(data)

    def has_input(self, seconds: float) -> bool:
        """Wait at most so long for the peer to send something, or to close the connection."""
        return _has_input(self._socket, seconds)

    def hang_up(self) -> None:
        """Let every read and write fail, also one that is waiting in another thread."""
        hang_up(self._socket)

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def _acknowledge_at_once(self) -> None:
        # Sending switches delayed acknowledgements on again, and what follows is the peer's answer.
        if hasattr(socket, "TCP_QUICKACK"):
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def wait_for_input(connection: socket.socket, seconds: float) -> None:
    """Return when the peer has sent something or closed the connection.

    It may be silent for ``seconds``; while it still takes what was written before, it is not silent: a slow network
    may need hours for what this machine's buffers hold. Raises :class:`TimeoutError`.
    """
    waiting = _unsent(connection)
    end = time.monotonic() + seconds
    while not _has_input(connection, min(_LOOK_SECONDS, seconds)):
        before, waiting = waiting, _unsent(connection)
        if waiting < before:
            end = time.monotonic() + seconds
        elif time.monotonic() >= end:
            raise TimeoutError(f"nothing came for {seconds:g} s")


def hang_up(connection: socket.socket) -> None:
    """Let every read and write of a connection fail, also one that is waiting in another thread."""
    try:
        # Not the TLS layer's: it would take itself down under the thread that is using it.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    # It is closed already.
    except OSError:
        return


def _has_input(connection: socket.socket, seconds: float) -> bool:
    if isinstance(connection, ssl.SSLSocket) and connection.pending():
        return True
    waiting = select.poll()
    waiting.register(connection, select.POLLIN)
    return bool(waiting.poll(seconds * 1000))


def _unsent(connection: socket.socket) -> int:
    """How many written bytes the peer has not acknowledged (tcp(7), SIOCOUTQ)."""
    return int(struct.unpack("i", fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4)))[0])
