"""A network between a node and a destination, which fails as it is told to: a TCP proxy."""

from __future__ import annotations

import socket
import struct
import threading
from dataclasses import dataclass
from enum import Enum
from types import TracebackType

from tests.peers import free_port

_PIECE_BYTES = 4096
_LOOK_SECONDS = 0.05


class Fault(str, Enum):
    """What is wrong with the network."""

    NONE = "none"
    REFUSE = "refuses connections"
    HANG = "accepts connections and stays silent"
    RESET = "resets connections in mid-transfer"
    HALF_CLOSE = "closes one direction in mid-transfer"
    SILENCE = "stops passing on what is sent, closing nothing"
    SLOW = "passes on few bytes a second"


@dataclass(frozen=True)
class Weather:
    """The fault of the moment; ``after_bytes`` of the sender's pass before it shows, for those of mid-transfer."""

    fault: Fault = Fault.NONE
    after_bytes: int = 1500
    bytes_per_second: int = 1000


class FaultyNetwork:
    """Listens on ``port`` and passes everything on to ``target``, as far as its ``weather`` allows."""

    def __init__(self, target: int, weather: Weather | None = None) -> None:
        self.port = free_port()
        self.connections = 0
        self.changed = threading.Condition()
        self._target = target
        self._weather = weather or Weather()
        self._ended = threading.Event()
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self._threads: list[threading.Thread] = []

    def become(self, weather: Weather) -> None:
        """Change the weather; connections that the last fault has left silent break."""
        before, self._weather = self._weather, weather
        self._listen()
        if before.fault in (Fault.HANG, Fault.SILENCE, Fault.HALF_CLOSE):
            with self.changed:
                for connection in list(self._open):
                    _reset(connection)

    def wait_for_connections(self, count: int) -> None:
        """Return when so many have been tried; more time than this means that they never will be."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.connections >= count, 60), f"only {self.connections} came"

    def _listen(self) -> None:
        if self._weather.fault is Fault.REFUSE:
            if self._listener is not None:
                # Wakes the thread that accepts, which closing alone does not.
                self._listener.shutdown(socket.SHUT_RDWR)
                self._listener.close()
                self._listener = None
        elif self._listener is None:
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # A small window: what a sender has written has not long left its machine.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            listener.bind(("127.0.0.1", self.port))
            listener.listen(16)
            self._listener = listener
            self._start(self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = listener.accept()
            # It was closed.
            except OSError:
                return
            with self.changed:
                self.connections += 1
                self._open.add(connection)
                self.changed.notify_all()
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        while self._weather.fault is Fault.HANG and not self._ended.wait(_LOOK_SECONDS):
            continue
        try:
            onward = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            _reset(connection)
            return
        with self.changed:
            self._open.add(onward)
        self._start(self._pass_on, onward, connection, False)
        self._pass_on(connection, onward, True)

    def _pass_on(self, source: socket.socket, target: socket.socket, is_outbound: bool) -> None:
        passed = 0
        try:
            while not self._ended.is_set():
                weather = self._weather
                piece = source.recv(_PIECE_BYTES if weather.fault is not Fault.SLOW else weather.bytes_per_second // 20)
                if not piece:
                    target.shutdown(socket.SHUT_WR)
                    return
                passed += len(piece)
                if weather.fault is Fault.SLOW:
                    self._ended.wait(len(piece) / weather.bytes_per_second)
                if is_outbound and passed > weather.after_bytes and not self._passes(source, target):
                    return
                target.sendall(piece)
        # Either side has closed or reset its connection, or this has.
        except OSError:
            _reset(source)
            _reset(target)

    def _passes(self, source: socket.socket, target: socket.socket) -> bool:
        """Do what the weather does to a transfer; return whether it goes on."""
        fault = self._weather.fault
        if fault is Fault.RESET:
            _reset(source)
            _reset(target)
        elif fault is Fault.HALF_CLOSE:
            source.shutdown(socket.SHUT_WR)
        elif fault is Fault.SILENCE:
            while self._weather.fault is Fault.SILENCE and not self._ended.wait(_LOOK_SECONDS):
                continue
        return fault not in (Fault.RESET, Fault.HALF_CLOSE, Fault.SILENCE)

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def __enter__(self) -> FaultyNetwork:
        self._listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self.become(Weather(Fault.REFUSE))
        with self.changed:
            for connection in self._open:
                _reset(connection)
        for thread in self._threads:
            thread.join(10)


def _reset(connection: socket.socket) -> None:
    """Close a connection such that the other side gets RST instead of FIN."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Closing does not end a read of another thread; this does.
        socket.socket.shutdown(connection, socket.SHUT_RD)
        connection.close()
    # It is closed already.
    except OSError:
        connection.close()
