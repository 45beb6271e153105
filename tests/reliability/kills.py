"""SIGKILL of the node's processes at random moments while studies come in: ``python -m tests.reliability.kills``.

Ten associations send thirty small studies at a time to a node with two destinations, wave after wave, until the kills
are done. A node that is killed is started again at once, sometimes to be killed while it starts; of a child that is
killed the node has to take care itself. Then every study has to come to its end within a minute.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

from tests.deploy.node import tiny_app
from tests.reliability import truth
from tests.reliability.command import parser, print_table
from tests.reliability.destination import Destination
from tests.reliability.examinations import Examination, examinations
from tests.reliability.node import NodeError, NodeProcess
from tests.reliability.senders import Acknowledgements, Sender, pauses

SENDERS = 10
WAVE = 30

FINAL_SECONDS = 60.0
"""Within which every study has to be in a final state after the last start."""

_LONGEST_GAP_SECONDS = 2.5
_SHARE_OF_NODE = 0.4
_SHARE_WHILE_STARTING = 0.15
_LONGEST_BACKLOG = 10
"""Studies of earlier waves that may still be under way when the next wave begins."""


@dataclass
class KillReport:
    """What was done and what was found."""

    kills: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    studies: int = 0
    acknowledged: int = 0
    associations: int = 0
    refusals: int = 0
    jobs: int = 0
    jobs_on_parts: int = 0
    repeated: int = 0
    final_seconds: float = 0.0
    seconds: float = 0.0
    findings: list[str] = field(default_factory=list)


class Campaign:
    """One node under fire, with its senders and destinations."""

    def __init__(self, folder: Path, seed: int, *, wave: int = WAVE, longest_pause: float = 0.5) -> None:
        self._random = random.Random(seed)
        self._seed = seed
        self._wave = wave
        self._folder = folder
        self._longest_pause = longest_pause
        self._source: Iterator[Examination] = examinations(seed * 1_000_000)
        self._work: SimpleQueue[Examination | None] = SimpleQueue()
        self._given: list[Examination] = []
        self._sent = threading.Semaphore(0)
        self._count_sent = 0
        self.report = KillReport()

    def run(self, count: int) -> KillReport:
        """Kill ``count`` times, let the node come to rest, and judge."""
        begun = time.monotonic()
        with ExitStack() as stack:
            self._destinations = {
                name: stack.enter_context(Destination(name.upper())) for name in ("archive", "workstation")
            }
            self._node = NodeProcess(
                self._folder,
                self._destinations,
                readiness={"quiet_seconds": 1.0, "maximum_wait_seconds": 3.0},
                # A job that is interrupted at random again and again is no poison job.
                apps={tiny_app.APP: {"maximum_attempts": 100}},
            )
            stack.enter_context(self._node)
            self._acknowledgements = Acknowledgements(self._folder / "acknowledged")
            senders = [
                Sender(
                    f"SCANNER{number}",
                    self._node.port,
                    self._work,
                    self._acknowledgements,
                    pause=pauses((self._seed, number), self._longest_pause),
                    on_sent=lambda _: self._sent.release(),
                )
                for number in range(SENDERS)
            ]
            for sender in senders:
                sender.start()
            self._give_wave()
            try:
                while self.report.kills.total() < count:
                    self._kill_once()
                    self._keep_sending()
                self._come_to_rest(senders)
                self._judge(senders)
            except NodeError as error:
                self.report.findings.append(str(error))
        self.report.seconds = time.monotonic() - begun
        return self.report

    def _give_wave(self) -> None:
        for _ in range(self._wave):
            examination = next(self._source)
            self._given.append(examination)
            self._work.put(examination)

    def _keep_sending(self) -> None:
        while self._sent.acquire(blocking=False):
            self._count_sent += 1
        if self._count_sent == len(self._given):
            under_way = [job for job in self._node.jobs().values() if not job.is_final]
            if len(under_way) <= _LONGEST_BACKLOG:
                self._give_wave()

    def _kill_once(self) -> None:
        time.sleep(self._random.uniform(0, _LONGEST_GAP_SECONDS))
        if not self._node.is_running:
            raise NodeError(f"the node has ended by itself: {self._node.tail()}")
        children = [process for process in self._node.tree() if process.kind in ("app", "receiver")]
        if not children or self._random.random() < _SHARE_OF_NODE:
            self._kill_node()
            return
        victim = self._random.choice(children)
        try:
            os.kill(victim.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.report.kills[victim.kind] += 1
        # Its work goes on without a person: while other processes are killed, the port answers.
        self._node.wait_for(self._node.answers, f"an answer after the kill of the {victim.kind} process", 20.0)

    def _kill_node(self) -> None:
        self._node.kill()
        self.report.kills["node"] += 1
        while self._random.random() < _SHARE_WHILE_STARTING:
            self._node.launch()
            time.sleep(self._random.uniform(0, 3.0))
            self._node.kill()
            self.report.kills["node while it starts"] += 1
        self._node.start()
        self.report.starts += 1

    def _come_to_rest(self, senders: list[Sender]) -> None:
        if not self._node.is_running:
            raise NodeError(f"the node has ended by itself: {self._node.tail()}")
        # The last kill is one of the node itself, so that the minute has a beginning.
        self._kill_node()
        started = time.monotonic()
        for _ in senders:
            self._work.put(None)
        for sender in senders:
            sender.join(FINAL_SECONDS)
            if sender.is_alive():
                raise NodeError(f"{sender.name} could not send all within {FINAL_SECONDS:g} s: {self._node.tail()}")
        studies = [examination.study_instance_uid for examination in self._given]
        deadline = started + FINAL_SECONDS
        while (left := truth.unsettled(self._node, studies)) and time.monotonic() < deadline:
            time.sleep(0.1)
        self.report.final_seconds = time.monotonic() - started
        self.report.findings += left
        # A resting node has emptied its folder of runs under way.
        self._node.wait_for(lambda: not truth.left_behind(self._node.data / "work"), "an empty work folder", 10.0)

    def _judge(self, senders: list[Sender]) -> None:
        node, report = self._node, self.report
        acknowledged = self._acknowledgements.all()
        jobs = node.jobs()
        sent = {examination.study_instance_uid: examination for examination in self._given}
        report.studies = len(sent)
        report.acknowledged = len(acknowledged)
        report.associations = sum(sender.associations for sender in senders)
        report.refusals = sum(len(sender.refusals) for sender in senders)
        report.jobs = len(jobs)
        report.jobs_on_parts = sum(
            job.sop_instance_uids != sent[job.study_instance_uid].sop_instance_uids for job in jobs.values()
        )
        report.repeated = sum(destination.repeated for destination in self._destinations.values())
        if len(acknowledged) != sum(len(examination.instances) for examination in self._given):
            report.findings.append("a sender has ended with images that were not acknowledged")
        report.findings += truth.lost_instances(node, acknowledged)
        report.findings += truth.wrong_results(node, self._given, self._destinations)
        report.findings += [
            f"job {job.number} is {job.state}: {job.reason} {job.detail}"
            for job in jobs.values()
            if job.state not in ("delivered", "refused") and not job.gave_way
        ]
        if node.stop() != 0:
            report.findings.append("the node did not end with status 0")
        node.start()
        report.findings += truth.damaged_database(node)
        report.findings += truth.stray_files(node)
        report.findings += truth.unsettled(node, sent)


def table(report: KillReport) -> list[tuple[str, object]]:
    """The report as rows."""
    return [
        ("kills", report.kills.total()),
        *((f"  of the {kind}", number) for kind, number in sorted(report.kills.items())),
        ("starts of the node", report.starts + 2),
        ("studies", report.studies),
        ("associations", report.associations),
        ("instances acknowledged", report.acknowledged),
        ("instances refused and sent again", report.refusals),
        ("jobs", report.jobs),
        ("  on part of a study", report.jobs_on_parts),
        ("results that came to a destination twice", report.repeated),
        ("last start to every study final (s)", round(report.final_seconds, 1)),
        ("duration (s)", round(report.seconds)),
        ("findings", len(report.findings)),
    ]


def main() -> int:
    """Run the command; the exit status is 1 when something was found."""
    given = parser("kills", __doc__, count=200, unit="kills").parse_args()
    with tempfile.TemporaryDirectory() as name:
        report = Campaign(Path(given.keep or name), given.seed).run(given.count)
    print_table(f"kills, seed {given.seed}", table(report))
    print("\n".join(report.findings[:50]))
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
