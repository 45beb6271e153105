"""The published hour of a large hospital, in real time: ``python -m tests.reliability.load --count 600 --factor 4``.

Studies arrive as in :mod:`tests.reliability.hospital`, each over an association of its own that sends as fast as the
node takes it, to a node on two cores with a light app. ``--count`` seconds of the hour are played at the rate of the
peak, or a multiple: it is the rate that the node has to stand, and what is left at the end shows whether it does.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from tests.reliability import light_app, truth
from tests.reliability.command import parser, print_table
from tests.reliability.destination import Destination
from tests.reliability.hospital import Arrival, arrivals, images
from tests.reliability.memory import Memory
from tests.reliability.node import NodeProcess
from tests.reliability.processes import cpu_seconds
from tests.reliability.upper_layer import SUCCESS, Association, EndedError, Proposal

QUIET_SECONDS = 5.0
"""``readiness.quiet_seconds``, the default of a node."""

BEYOND_SECONDS = 2.0
"""The promise: 95 of 100 jobs begin within this after the quiet time is over."""

_CORES = 2
_FINAL_SECONDS = 300.0


@dataclass
class LoadReport:
    """What was sent and how the node kept up; times in seconds."""

    seconds: float
    factor: float
    studies: int = 0
    instances: int = 0
    gigabytes: float = 0.0
    busiest: int = 0
    backlog: int = 0
    left_seconds: float = 0.0
    beyond: list[float] = field(default_factory=list)
    cpu: float = 0.0
    disk_gigabytes: float = 0.0
    memory: Memory = field(default_factory=Memory)
    findings: list[str] = field(default_factory=list)


class Load:
    """A node on two cores, and the hospital around it."""

    def __init__(
        self, folder: Path, seed: int, seconds: float, factor: float, *, quiet_seconds: float = QUIET_SECONDS
    ) -> None:
        self._folder = folder
        self._quiet_seconds = quiet_seconds
        self._arrivals = arrivals(seed, seconds, factor)
        self._lock = threading.Lock()
        self._last_acknowledged: dict[str, float] = {}
        self._sending = 0
        self.report = LoadReport(seconds, factor, studies=len(self._arrivals))

    def run(self) -> LoadReport:
        """Play the arrivals, let the node finish, and judge."""
        report = self.report
        with ExitStack() as stack:
            archive = stack.enter_context(Destination("ARCHIVE"))
            node = NodeProcess(
                self._folder,
                {"archive": archive},
                target=light_app.TARGET,
                prefix=("taskset", "-c", ",".join(map(str, sorted(os.sched_getaffinity(0))[:_CORES]))),
                readiness={"quiet_seconds": self._quiet_seconds, "maximum_wait_seconds": 120.0},
            )
            stack.enter_context(node)
            node.wait_for_app()
            report.memory.watch(node.pid)
            begun, cpu = time.monotonic(), cpu_seconds(node.pid)
            threads = [self._begin(arrival, node.port, begun) for arrival in self._arrivals]
            time.sleep(max(begun + report.seconds - time.monotonic(), 0))
            report.cpu = (cpu_seconds(node.pid) - cpu) / (time.monotonic() - begun)
            report.backlog = self._backlog(node)
            ended = time.monotonic()
            for thread in threads:
                thread.join(_FINAL_SECONDS)
            studies = set(self._last_acknowledged)
            while (left := truth.unsettled(node, studies)) and time.monotonic() < ended + _FINAL_SECONDS:
                time.sleep(0.1)
            report.left_seconds = time.monotonic() - ended
            report.findings += left
            report.memory.stop()
            report.disk_gigabytes = sum(path.stat().st_size for path in node.data.rglob("*") if path.is_file()) / 1e9
            self._judge(node)
        return report

    def _begin(self, arrival: Arrival, port: int, begun: float) -> threading.Thread:
        time.sleep(max(begun + arrival.at - time.monotonic(), 0))
        thread = threading.Thread(target=self._send, args=(arrival, port))
        thread.start()
        return thread

    def _send(self, arrival: Arrival, port: int) -> None:
        with self._lock:
            self._sending += 1
            self.report.busiest = max(self.report.busiest, self._sending)
        study, count, size = "", 0, 0
        try:
            proposals = [Proposal(1, arrival.kind.sop_class_uid)]
            calling = arrival.kind.name.upper().replace(" ", "_")[:16]
            with Association(port, proposals, calling=calling, seconds=60) as association:
                for image in images(arrival):
                    status = association.store(1, image.sop_class_uid, image.sop_instance_uid, image.data_set)
                    if status != SUCCESS:
                        raise EndedError(f"answered {status:04X}")
                    study, count, size = image.study_instance_uid, count + 1, size + len(image.data_set)
                    acknowledged = time.time()
            with self._lock:
                self._last_acknowledged[study] = acknowledged
        except EndedError as error:
            with self._lock:
                self.report.findings.append(f"{arrival.kind.name} {arrival.number}: {error}")
        with self._lock:
            self._sending -= 1
            self.report.instances += count
            self.report.gigabytes += size / 1e9

    def _backlog(self, node: NodeProcess) -> int:
        """Studies that are complete for longer than the quiet time and the promise, and whose job has not begun."""
        due = time.time() - self._quiet_seconds - BEYOND_SECONDS
        with self._lock:
            complete = {study for study, at in self._last_acknowledged.items() if at < due}
        begun = {job.study_instance_uid for job in node.jobs().values() if job.attempts}
        return len(complete - begun)

    def _judge(self, node: NodeProcess) -> None:
        rows = node.query("SELECT study_instance_uid, MIN(at) FROM events WHERE kind = 'running' GROUP BY 1")
        started = {study: _seconds(at) for study, at in rows}
        report = self.report
        for study, last in self._last_acknowledged.items():
            if study not in started:
                report.findings.append(f"no job of study {study} has begun")
            else:
                report.beyond.append(started[study] - last - self._quiet_seconds)
        several = {
            study
            for study, count in node.query("SELECT study_instance_uid, COUNT(*) FROM jobs GROUP BY 1")
            if count > 1
        }
        report.findings += [f"study {study} was analysed in parts" for study in several]
        report.findings += [
            f"job {job.number} is {job.state}: {job.reason}: {job.detail}"
            for job in node.jobs().values()
            if job.state != "delivered"
        ]
        if report.backlog:
            report.findings.append(f"{report.backlog} studies wait at the end")
        if report.beyond and np.quantile(report.beyond, 0.95) > BEYOND_SECONDS:
            report.findings.append(f"95 of 100 jobs do not begin within {BEYOND_SECONDS:g} s beyond the quiet time")


def _seconds(stored: str) -> float:
    return datetime.fromisoformat(stored).replace(tzinfo=timezone.utc).timestamp()


def table(report: LoadReport) -> list[tuple[str, object]]:
    """The report as rows."""
    beyond = report.beyond or [0.0]
    return [
        ("rate", f"x {report.factor:g} of the peak, {report.seconds:g} s of it"),
        ("studies, instances, GB", f"{report.studies}, {report.instances}, {report.gigabytes:.2f}"),
        ("most senders at once", report.busiest),
        ("studies that wait at the end", report.backlog),
        ("last arrival to every study final (s)", round(report.left_seconds, 1)),
        (
            "last image acknowledged to job begun, beyond the quiet time: median, p95, longest (s)",
            f"{np.median(beyond):.2f}, {np.quantile(beyond, 0.95):.2f}, {max(beyond):.2f}",
        ),
        ("cores used by the node, of two", round(report.cpu, 2)),
        ("on disk at the end (GB)", round(report.disk_gigabytes, 2)),
        *report.memory.table(),
        ("findings", len(report.findings)),
    ]


def main() -> int:
    """Run the command; the exit status is 1 when something was found."""
    options = parser("load", __doc__, count=600, unit="seconds")
    options.add_argument("--factor", type=float, action="append", help="multiple of the peak (default 1, then 4)")
    given = options.parse_args()
    findings = []
    for factor in given.factor or [1.0, 4.0]:
        with tempfile.TemporaryDirectory() as name:
            folder = (given.keep or Path(name)) / f"x{factor:g}"
            report = Load(folder, given.seed, given.count, factor).run()
            shutil.rmtree(folder / "data" / "spool", ignore_errors=True)
        print_table(f"load, seed {given.seed}", table(report))
        findings += report.findings
    print("\n".join(findings[:50]))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
