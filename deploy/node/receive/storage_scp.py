"""The node's side of receiving: it starts the receiver processes and hears what they have received."""

from __future__ import annotations

import errno
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from deploy.child import stop
from deploy.node.config import NodeConfig
from deploy.node.events import log, log_failure
from deploy.node.receive.reports import (
    Accepting,
    AssociationEnded,
    AssociationStarted,
    OpenAssociation,
    Received,
    ReceiveListener,
    RefusedCaller,
    RefusedInstance,
    Report,
    Stored,
    decode,
)
from deploy.node.receive.slots import Slots, make_slots, writer_name
from deploy.node.spool import Spool

MOST_PROCESSES = 4
"""Receiver processes unless configured: one for each core, but the apps need some, too."""

_BACKLOG = 128
_READ_BYTES = 1 << 20
_STOP_SECONDS = 10.0
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 10.0
_SETTLED_SECONDS = 60.0
"""A receiver that has lived so long was no failed start."""

_GATHER_SECONDS = 0.05
"""How much later than the instance its row may come."""

_TOLD_SECONDS = 5.0
_PORT_SECONDS = 10.0
"""How long a port may still be held by receivers of a node that was killed."""


class StorageSCP:
    """Receives instances until stopped, with several processes on one port.

    All processes accept on the same listening socket: the kernel gives each connection to one that waits for it.
    """

    def __init__(self, config: NodeConfig, spool: Spool, listener: ReceiveListener) -> None:
        self._config = config
        self._spool = spool
        self._listener = listener
        self._receivers: list[_Receiver] = []
        self._listening: list[socket.socket] = []
        self._slots = -1

    def start(self) -> None:
        """Listen. Raises :class:`OSError` when a port cannot be had."""
        receive = self._config.receive
        ports = [receive.port] + ([receive.tls.port] if receive.tls is not None else [])
        try:
            for port in ports:
                self._listening.append(_listen(receive.host, port))
        except OSError:
            self._close()
            raise
        count = receive.processes or min(os.cpu_count() or 1, MOST_PROCESSES)
        self._slots = make_slots(count)
        self._receivers = [
            _Receiver(index, self._config, self._spool, self._listener, self._slots, self._listening)
            for index in range(count)
        ]
        for receiver in self._receivers:
            receiver.start()
        log("listening", f"{receive.ae_title} listens on {receive.host}:{' and '.join(map(str, ports))}")

    def stop(self) -> None:
        """Stop listening and abort the open associations: what was not acknowledged will be sent again."""
        for receiver in self._receivers:
            receiver.ask_to_stop()
        for receiver in self._receivers:
            receiver.join()
        self._close()

    def is_receiving(self, study_instance_uid: str) -> bool:
        """Return whether an association that brought images of this study is still open, in any process.

        Every instance that was acknowledged before this call counts.
        """
        return any(receiver.is_receiving(study_instance_uid) for receiver in self._receivers)

    @property
    def is_running(self) -> bool:
        """Whether a receiver process is there to take associations."""
        return any(receiver.is_running for receiver in self._receivers)

    @property
    def open_associations(self) -> int:
        """How many associations are open now."""
        return sum(len(receiver.associations) for receiver in self._receivers)

    def _close(self) -> None:
        for listening in self._listening:
            listening.close()
        self._listening = []
        if self._slots >= 0:
            os.close(self._slots)
            self._slots = -1


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _bind(listening, host, port)
        listening.listen(_BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening


def _bind(listening: socket.socket, host: str, port: int) -> None:
    """Bind to the port, or wait a little for it: a node that was killed leaves receivers that hold it.

    The kernel ends them with the node, but those that were just being started end only when Python runs in them.
    """
    deadline = time.monotonic() + _PORT_SECONDS
    while True:
        try:
            listening.bind((host, port))
            return
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise
        time.sleep(_PORT_SECONDS / 50)


class _Receiver:
    """One receiver process, kept alive by a thread that also hears it: the kernel ends the process with this thread."""

    def __init__(
        self,
        index: int,
        config: NodeConfig,
        spool: Spool,
        listener: ReceiveListener,
        slots: int,
        listening: list[socket.socket],
    ) -> None:
        self.associations: dict[int, OpenAssociation] = {}
        self._index = index
        self._config = config
        self._spool = spool
        self._listener = listener
        self._slots = slots
        self._listening = listening
        self._stopping = threading.Event()
        self._changed = threading.Condition()
        self._rounds = 0
        self._accepts = False
        self._channel: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, name=f"receiver {index}")

    def start(self) -> None:
        self._thread.start()

    def ask_to_stop(self) -> None:
        self._stopping.set()
        with self._changed:
            if self._process is not None and self._process.returncode is None:
                self._process.terminate()

    def join(self) -> None:
        self._thread.join()

    @property
    def is_running(self) -> bool:
        return self._accepts

    def is_receiving(self, study_instance_uid: str) -> bool:
        with self._changed:
            if self._has_unread():
                # Two rounds: the one under way may have been read before this call.
                goal = self._rounds + 2
                self._changed.wait_for(lambda: self._rounds >= goal or not self._has_unread(), _TOLD_SECONDS)
            return any(study_instance_uid in association.studies for association in self.associations.values())

    def _has_unread(self) -> bool:
        if self._channel is None:
            return False
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        return bool(poll.poll(0))

    def _run(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                self._live()
            # The node goes on receiving with what it has; this one is tried again.
            except Exception:
                log_failure("receiver-failed", f"receiver process {self._index} could not be kept")
            if self._stopping.is_set():
                return
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            if time.monotonic() - started > _SETTLED_SECONDS:
                pause = _FIRST_PAUSE_SECONDS
            self._stopping.wait(pause)

    def _live(self) -> None:
        """Start the process and hear it until it ends, then clear up after it."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                process = self._start(theirs)
            with self._changed:
                self._channel = ours
                self._process = process
            try:
                if self._stopping.is_set():
                    process.terminate()
                ours.sendall(self._config.model_dump_json().encode() + b"\n")
                self._hear(ours)
            finally:
                with self._changed:
                    self._channel = None
                    self._accepts = False
                stop(process, _STOP_SECONDS)
                self._clear_up(process)

    def _start(self, channel: socket.socket) -> subprocess.Popen[bytes]:
        numbers = [channel.fileno(), self._slots, *(each.fileno() for each in self._listening)]
        return subprocess.Popen(
            [sys.executable, "-m", "deploy.node.receive.process", *map(str, (os.getpid(), self._index, *numbers))],
            stdin=subprocess.DEVNULL,
            pass_fds=numbers,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                # An arena for each of many short-lived threads (mallopt(3)) would take half as much memory again.
                "MALLOC_ARENA_MAX": "2",
            },
        )

    def _hear(self, channel: socket.socket) -> None:
        unread = b""
        while True:
            try:
                received = channel.recv(_READ_BYTES)
            except ConnectionResetError:
                return
            if not received:
                return
            *lines, unread = (unread + received).split(b"\n")
            self._take([decode(line) for line in lines])
            # One transaction for what comes meanwhile costs little more than one for each instance.
            self._stopping.wait(_GATHER_SECONDS)

    def _take(self, reports: list[Report]) -> None:
        told: list[Received] = []
        with self._changed:
            for report in reports:
                if isinstance(report, Accepting):
                    self._accepts = True
                elif isinstance(report, AssociationStarted):
                    self.associations[report.number] = OpenAssociation(report.calling_ae_title, report.address)
                elif isinstance(report, Stored):
                    uid = report.stored.header.study_instance_uid
                    self.associations[report.number].arrivals(uid)[report.stored.arrival] += 1
                    told.append(report.stored)
                elif isinstance(report, AssociationEnded):
                    association = self.associations.pop(report.number)
                    association.ending, association.sent_all = report.ending, report.sent_all
                    told.append(association)
                elif isinstance(report, RefusedInstance):
                    told.append(report)
                elif isinstance(report, RefusedCaller):
                    self._listener.refused_caller(report)
                else:
                    log(report.kind, report.text, details=report.details or None)
            self._rounds += 1
            self._changed.notify_all()
        if told:
            self._tell(lambda: self._listener.received(told))

    def _clear_up(self, process: subprocess.Popen[bytes]) -> None:
        """Do for a process that has ended what it can do no more itself."""
        Slots(self._slots, self._index).clear()
        self._spool.discard_incoming(writer_name(self._index))
        with self._changed:
            cut_off: list[Received] = list(self.associations.values())
            self.associations.clear()
        stopping = self._stopping.is_set()
        for association in cut_off:
            assert isinstance(association, OpenAssociation)
            association.ending = "was cut off: " + ("the node stopped" if stopping else "its receiver process ended")
        if cut_off:
            self._tell(lambda: self._listener.received(cut_off))
        if not stopping:
            log("receiver-died", f"receiver process {self._index} ended with {process.returncode}: it is started anew")
            self._tell(lambda: self._listener.receiver_died(self._spool))

    def _tell(self, call: Callable[[], None]) -> None:
        """Tell the listener until it has taken it: the process waits meanwhile, and with it the senders."""
        while True:
            try:
                call()
                return
            except Exception:
                log_failure("index-failed", "what was received could not be indexed; it is safe in the spool")
            # At the next start the index is brought in line with the spool.
            if self._stopping.wait(_TOLD_SECONDS):
                return
