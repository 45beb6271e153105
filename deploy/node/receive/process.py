"""A receiver process: ``python -m deploy.node.receive.process PARENT INDEX CHANNEL SLOTS LISTENING [LISTENING_TLS]``.

The numbers behind PARENT (a process id) and INDEX (of the receiver among its kind) are descriptors that it inherits.
The first line that comes over the channel is the node's configuration as JSON; after it the channel only goes the
other way: a report a line (:mod:`deploy.node.receive.reports`). SIGTERM: stop accepting, abort what is open, end.
"""

from __future__ import annotations

import itertools
import os
import signal
import socket
import ssl
import sys
import threading
import time
import traceback
from contextlib import suppress

from deploy.child import die_with
from deploy.node.access import Access
from deploy.node.config import ConfigError, NodeConfig
from deploy.node.disk import Space
from deploy.node.receive.association import NEGOTIATION_SECONDS, Association, Callers, Surroundings
from deploy.node.receive.reports import Accepting, RefusedCaller, Report, Trouble, encode
from deploy.node.receive.slots import Slots, writer_name
from deploy.node.receive.upper_layer import Connection
from deploy.node.services import Services, supported_contexts
from deploy.node.spool import Spool

WAITING_CALLERS = 32
"""How many connections beyond the allowed associations a process looks at at once; more wait in the kernel."""

_STOPPING_SECONDS = 5.0
_SWITCH_SECONDS = 0.0005
_OUT_OF_DESCRIPTORS_SECONDS = 0.1


class Channel:
    """The way to the node. Blocks while the node cannot follow: a sender that waits has lost nothing."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def tell(self, report: Report) -> None:
        """Tell the node. Whoever tells of an instance may acknowledge it when this returns."""
        line = encode(report)
        with self._lock:
            self._connection.sendall(line)


class Receiver:
    """Accepts connections and gives each a thread."""

    def __init__(self, config: NodeConfig, surroundings: Surroundings) -> None:
        self._config = config.receive
        self._around = surroundings
        self._numbers = itertools.count()
        self._callers = Callers()

    def accept(self, listening: socket.socket, *, over_tls: bool) -> None:
        """Accept connections until the process ends."""
        limit = self._config.maximum_associations + WAITING_CALLERS
        while True:
            self._callers.come(limit)
            try:
                accepted, address = listening.accept()
            except OSError as error:
                self._callers.go(None)
                self._around.tell(Trouble("accept-failed", f"a connection could not be accepted: {error}"))
                time.sleep(_OUT_OF_DESCRIPTORS_SECONDS)
                continue
            threading.Thread(target=self._serve, args=(accepted, address[0], over_tls), daemon=True).start()

    def stop(self) -> None:
        """Abort every association."""
        self._callers.cut(_STOPPING_SECONDS)

    def _serve(self, accepted: socket.socket, address: str, over_tls: bool) -> None:
        connection = None
        try:
            connection, names = self._connect(accepted, over_tls)
            self._callers.connected(connection)
            Association(next(self._numbers), connection, address, names, self._around).run()
        except (OSError, ConfigError) as error:
            self._around.tell(RefusedCaller("tls" if over_tls else "connection", str(error), address))
        # One association's trouble is not the others'.
        except Exception:
            text = f"an association from {address} failed"
            self._around.tell(Trouble("association-failed", text, traceback.format_exc()))
        finally:
            if connection is not None:
                connection.close()
            accepted.close()
            self._callers.go(connection)

    def _connect(self, accepted: socket.socket, over_tls: bool) -> tuple[Connection, tuple[str, ...] | None]:
        """Return the connection, and the names in the peer's certificate, if it comes over TLS."""
        names = None
        if over_tls:
            accepted, names = self._encrypted(accepted)
        connection = Connection(
            accepted,
            silence_seconds=self._config.network_timeout_seconds,
            deadline=time.monotonic() + self._config.maximum_association_seconds,
            maximum_pdu=self._config.maximum_pdu_size,
        )
        return connection, names

    def _encrypted(self, accepted: socket.socket) -> tuple[ssl.SSLSocket, tuple[str, ...]]:
        """The connection over TLS, and the names in the peer's certificate. Raises :class:`OSError`."""
        # Imported here: a node without TLS has no need of the library that reads certificates.
        from deploy.node.access import certificate_names, server_context

        assert self._config.tls is not None
        accepted.settimeout(NEGOTIATION_SECONDS)
        encrypted = server_context(self._config.tls).wrap_socket(accepted, server_side=True)
        return encrypted, certificate_names(encrypted)


def main() -> None:
    """Receive until SIGTERM."""
    parent, index, channel_number, slots, *listening = map(int, sys.argv[1:])
    die_with(parent)
    # Asked of every thread: only the main one may get it. An interrupt at the terminal is the node's.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    sys.setswitchinterval(_SWITCH_SECONDS)
    connection = socket.socket(fileno=channel_number)
    with connection.makefile("rb") as lines:
        config = NodeConfig.model_validate_json(lines.readline())
    surroundings = Surroundings(
        config=config.receive,
        spool=Spool(config.data_folder, writer=writer_name(index)),
        access=Access(config),
        services=Services(config.data_folder),
        contexts=supported_contexts(),
        slots=Slots(slots, index),
        space=Space(config.data_folder, config.disk),
        tell=Channel(connection).tell,
    )
    receiver = Receiver(config, surroundings)
    for number, over_tls in zip(listening, (False, True), strict=False):
        threading.Thread(
            target=receiver.accept, args=(socket.socket(fileno=number),), kwargs={"over_tls": over_tls}, daemon=True
        ).start()
    surroundings.tell(Accepting())
    signal.sigwait({signal.SIGTERM})
    receiver.stop()
    # Threads that still wait for a peer have nothing more to tell.
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
    os._exit(0)


if __name__ == "__main__":
    main()
