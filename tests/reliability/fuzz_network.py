"""Malformed conversations against a running node: ``python -m tests.reliability.fuzz_network``.

Several connections at a time send what :mod:`tests.reliability.malformed` makes from the seed, while others stall or
never release. Every so often a good C-ECHO and C-STORE have to be answered. At the end no process of the node has
been replaced, its memory is what it was, and its spool holds only what may be there. A hang is a connection that the
node neither answers nor closes once the requestor has closed its side.
"""

from __future__ import annotations

import itertools
import socket
import struct
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.reliability import truth
from tests.reliability.accepted import judge_spool
from tests.reliability.command import parser, print_table
from tests.reliability.examinations import SmallInstance, examination
from tests.reliability.malformed import Case, Ending, case
from tests.reliability.memory import Memory
from tests.reliability.node import NodeProcess
from tests.reliability.stalling import Stalls
from tests.reliability.upper_layer import SUCCESS, VERIFICATION, Association, EndedError, Proposal

_CONNECTIONS = 16
_GOOD_EVERY = 200
_MOST_UNDECIDED = 1000
_HANG_SECONDS = 30.0
_ANSWER_SECONDS = 0.5
"""After this a requestor goes on, also where the node cannot answer, as its request is incomplete."""

_SILENCE_SECONDS = 5.0
"""``receive.network_timeout_seconds`` of the node: after this it lets go of a peer that stalls."""

_ANSWERS = {0x02: "accepted", 0x03: "rejected", 0x04: "P-DATA", 0x06: "released", 0x07: "aborted"}


@dataclass
class FuzzReport:
    """What was done and what was found."""

    cases: int = 0
    seconds: float = 0.0
    answers: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    good: int = 0
    slowest_good: float = 0.0
    stalls: int = 0
    files: int = 0
    unreadable: int = 0
    database_bytes: int = 0
    log_bytes: int = 0
    memory: Memory = field(default_factory=Memory)
    findings: list[str] = field(default_factory=list)


class Campaign:
    """One node, the connections to it, and the watch over both."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._seed = seed
        # Without destinations and apps: what comes is to be received or refused.
        self._node = NodeProcess(folder, {}, receive={"network_timeout_seconds": _SILENCE_SECONDS})
        self._lock = threading.Lock()
        self._stored: set[str] = set()
        self._good: list[SmallInstance] = list(examination(seed, slices=50, size=16).instances)
        self.report = FuzzReport()

    def run(self, numbers: Sequence[int]) -> FuzzReport:
        """Send these cases and judge."""
        report = self.report
        with self._node as node:
            node.wait_for(node.answers, "a first answer")
            before = self._processes()
            report.memory.watch(node.pid)
            begun = time.monotonic()
            with Stalls(node.port, _SILENCE_SECONDS) as stalls, ThreadPoolExecutor(_CONNECTIONS) as pool:
                for _ in itertools.chain.from_iterable(pool.map(self._some, _parts(numbers))):
                    if not node.is_running:
                        report.findings.append(f"the node has ended: {node.tail()}")
                        break
            report.seconds = time.monotonic() - begun
            report.stalls = stalls.ended
            report.findings += stalls.findings
            report.memory.stop()
            if node.is_running:
                self._check_good()
                if (now := self._processes()) != before:
                    report.findings.append(f"processes were replaced: {before ^ now}")
                self._judge_log()
                if node.stop() != 0:
                    report.findings.append("the node did not end with status 0")
                self._judge_files()
        return report

    def _processes(self) -> frozenset[tuple[int, int]]:
        return frozenset((process.pid, process.started) for process in self._node.tree())

    def _some(self, numbers: Sequence[int]) -> list[int]:
        for number in numbers:
            self._one(case(self._seed, number))
        self._check_good()
        # Nearly every case is another study: what is measured is a node that follows, and not how much waits in it.
        self._node.wait_for(lambda: self._undecided() < _MOST_UNDECIDED, "decisions over what has come", 600.0)
        return list(numbers)

    def _undecided(self) -> int:
        return int(self._node.query("SELECT COUNT(*) FROM studies WHERE decided IS NULL")[0][0])

    def _one(self, item: Case) -> None:
        try:
            answer = converse(self._node.port, item)
        except TimeoutError:
            self._add_finding(f"hang: case {item.number} ({item.name}, then it {item.ending.value})")
            return
        except ConnectionRefusedError:
            self._add_finding(f"nobody listens at case {item.number} ({item.name})")
            return
        with self._lock:
            self.report.cases += 1
            for kind, content in answered_pdus(answer):
                self.report.answers[_ANSWERS.get(kind, f"PDU {kind}")] += 1
                if kind == 0x04:
                    self._keep_status(content)

    def _keep_status(self, content: bytes) -> None:
        response = response_elements(content)
        if 0x0900 in response:
            status = int.from_bytes(response[0x0900], "little")
            command_field = int.from_bytes(response.get(0x0100, b""), "little")
            self.report.statuses[f"{command_field:04X}H: {status:04X}H"] += 1
            if (command_field, status) == (0x8001, SUCCESS):
                self._stored.add(response.get(0x1000, b"").decode("latin-1").rstrip("\0 "))

    def _check_good(self) -> None:
        """A good sender in between is served as ever."""
        begun = time.monotonic()
        with self._lock:
            instance = self._good[self.report.good % len(self._good)]
            self.report.good += 1
        proposals = [Proposal(1, instance.sop_class_uid), Proposal(3, VERIFICATION)]
        try:
            with Association(self._node.port, proposals, calling="GOOD", seconds=_HANG_SECONDS) as association:
                statuses = (
                    association.echo(3),
                    association.store(1, instance.sop_class_uid, instance.sop_instance_uid, instance.data_set),
                )
            if statuses != (SUCCESS, SUCCESS):
                self._add_finding(f"a good sender was answered {statuses}")
        except EndedError as error:
            self._add_finding(f"a good sender was not served: {error}")
        with self._lock:
            self.report.slowest_good = max(self.report.slowest_good, time.monotonic() - begun)

    def _add_finding(self, text: str) -> None:
        with self._lock:
            self.report.findings.append(text)

    def _judge_log(self) -> None:
        """A traceback means that something came that the node's author has not thought of."""
        log = self._node.log
        self.report.log_bytes = len(log)
        traces = Counter(line[-300:] for line in log.splitlines() if "Traceback (most recent call last)" in line)
        self.report.findings += [f"{count} x in the log: {line}" for line, count in traces.most_common(10)]

    def _judge_files(self) -> None:
        node, report = self._node, self.report
        report.database_bytes = (node.data / "index.sqlite").stat().st_size
        accepted = judge_spool(node.data / "spool")
        report.files, report.unreadable = accepted.files, accepted.unreadable
        report.findings += accepted.findings
        report.findings += [f"{uid} was acknowledged and is lost" for uid in self._stored - accepted.sop_instance_uids]
        report.findings += truth.stray_files(node)
        report.findings += truth.damaged_database(node)
        beside = {path.name for path in self._folder.iterdir()} - {"data", "control", "gantry.yaml", "stderr"}
        report.findings += [f"stray file beside the data folder: {name}" for name in beside]
        report.findings += [f"stray file {path}" for path in Path(tempfile.gettempdir()).glob("gantry-stray*")]


def converse(port: int, item: Case) -> bytes:
    """Send one case and return all that is answered. Raises :class:`TimeoutError`, which is a hang."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=_HANG_SECONDS)
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answer = bytearray()
        try:
            for number, piece in enumerate(item.pieces):
                connection.sendall(piece)
                if number == 0 and item.waits:
                    answer += _first_answer(connection)
            if item.ending is Ending.RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return b""
            connection.shutdown(socket.SHUT_WR)
            while received := connection.recv(1 << 16):
                answer += received
        except TimeoutError:
            raise
        # The node may have closed the connection meanwhile, as it should.
        except OSError:
            pass
        return bytes(answer)


def _first_answer(connection: socket.socket) -> bytes:
    """What comes in answer to a request; nothing where the node has to wait for more of it."""
    connection.settimeout(_ANSWER_SECONDS)
    try:
        return connection.recv(1 << 16)
    except TimeoutError:
        return b""
    finally:
        connection.settimeout(_HANG_SECONDS)


def answered_pdus(answer: bytes) -> list[tuple[int, bytes]]:
    """The PDUs in what the node has answered."""
    found, position = [], 0
    while position + 6 <= len(answer):
        kind, _, length = struct.unpack_from(">BBI", answer, position)
        found.append((kind, answer[position + 6 : position + 6 + length]))
        position += 6 + length
    return found


def response_elements(content: bytes) -> dict[int, bytes]:
    """The elements of the command set in a P-DATA-TF PDU with one value."""
    found, position = {}, 6
    while position + 8 <= len(content):
        _, element, length = struct.unpack_from("<HHI", content, position)
        found[element] = content[position + 8 : position + 8 + length]
        position += 8 + length
    return found


def _parts(numbers: Sequence[int]) -> list[Sequence[int]]:
    return [numbers[start : start + _GOOD_EVERY] for start in range(0, len(numbers), _GOOD_EVERY)]


def table(report: FuzzReport) -> list[tuple[str, object]]:
    """The report as rows."""
    return [
        ("cases", report.cases),
        ("duration (s)", round(report.seconds)),
        ("cases a second", round(report.cases / max(report.seconds, 1e-9))),
        *((f"  answered: {name}", count) for name, count in report.answers.most_common()),
        *((f"  response {name}", count) for name, count in report.statuses.most_common()),
        ("good C-ECHO and C-STORE in between", report.good),
        ("  the slowest took (s)", round(report.slowest_good, 2)),
        ("connections that stalled and were closed", report.stalls),
        ("instances in the spool", report.files),
        ("  that pydicom cannot read to the end", report.unreadable),
        ("database (MB)", round(report.database_bytes / 1e6, 1)),
        ("log (MB)", round(report.log_bytes / 1e6, 1)),
        *report.memory.table(),
        ("findings", len(report.findings)),
    ]


def main() -> int:
    """Run the command; the exit status is 1 when something was found."""
    options = parser("fuzz_network", __doc__, count=100_000, unit="cases")
    options.add_argument("--case", type=int, help="this case only")
    given = options.parse_args()
    numbers = range(given.count) if given.case is None else [given.case]
    with tempfile.TemporaryDirectory() as name:
        report = Campaign(given.keep or Path(name), given.seed).run(numbers)
    if given.case is None and not report.memory.is_flat:
        report.findings.append("memory is not flat")
    print_table(f"fuzz_network, seed {given.seed}", table(report))
    print("\n".join(report.findings[:50]))
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
