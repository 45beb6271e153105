"""Each state of a job x each process killed, and apps that go wrong: ``python -m tests.reliability.states``.

For each pair a study is led into the state and held there, a process is killed, and the study let go: its results must
arrive, those and no others, and those of a second study beside it too. A job that hangs, takes too much memory or
crashes in native code must end with the name of what it did, and the study after it must not notice.
"""

from __future__ import annotations

import itertools
import os
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.deploy.node import tiny_app
from tests.reliability import failing_app, truth
from tests.reliability.command import parser, print_table
from tests.reliability.destination import Destination
from tests.reliability.examinations import Examination, examination, expected_results
from tests.reliability.node import NodeError, NodeProcess
from tests.reliability.upper_layer import Association, Proposal

QUEUED, RUNNING, VERIFYING, DELIVERING, COMMITTING = "queued", "running", "verifying", "delivering", "committing"
STATES = (QUEUED, RUNNING, VERIFYING, DELIVERING, COMMITTING)
VICTIMS = ("node", "receiver", "app")

_ARRIVAL_SECONDS = 90.0
"""A job whose app was killed is tried again after ten seconds, and later each time."""

FAULTS = {
    failing_app.HANG: ("timed-out", "no result within"),
    failing_app.MEMORY: ("out-of-memory", ""),
    failing_app.SEGFAULT: ("crashed", "SIGSEGV"),
}
"""The kind of failure, and a word of its detail, by what the app does."""


@dataclass(frozen=True)
class Row:
    """One pair, and what became of it."""

    name: str
    outcome: str
    seconds: float


@dataclass
class StatesReport:
    """What was done and what was found."""

    rows: list[Row] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)


def send(node: NodeProcess, study: Examination) -> None:
    """Send a study over one association."""
    with Association(node.port, [Proposal(1, study.instances[0].sop_class_uid)]) as association:
        for each in study.instances:
            status = association.store(1, each.sop_class_uid, each.sop_instance_uid, each.data_set)
            if status != 0:
                raise NodeError(f"{each.sop_instance_uid} was answered {status:04X}")


class KilledInStates:
    """One node, whose processes are killed while a study is in a certain state."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._seeds: Iterator[int] = itertools.count(seed * 1_000_000 + 500_000)
        self._sent: list[Examination] = []
        self.report = StatesReport()

    def run(self, pairs: Sequence[tuple[str, str]]) -> StatesReport:
        """Kill in each of these (state, victim)."""
        with ExitStack() as stack:
            self._destination = stack.enter_context(Destination("ARCHIVE"))
            committing = {"storage_commitment": True, "commitment_seconds": 2.0}
            self._node = NodeProcess(
                self._folder,
                {"archive": self._destination},
                destinations={"archive": committing},
                apps={tiny_app.APP: {"maximum_attempts": 10}},
            )
            stack.enter_context(self._node)
            self._node.wait_for_app()
            try:
                for state, victim in pairs:
                    self._one(state, victim)
                self.report.findings += truth.wrong_results(self._node, self._sent, {"archive": self._destination})
                self.report.findings += truth.damaged_database(self._node)
            except NodeError as error:
                self.report.findings.append(str(error))
        return self.report

    def _one(self, state: str, victim: str) -> None:
        begun = time.monotonic()
        ways: dict[str, Callable[[str], Examination | None]] = {
            QUEUED: self._in_queue,
            RUNNING: self._in_run,
            VERIFYING: self._in_verification,
            DELIVERING: self._in_delivery,
            COMMITTING: self._in_commitment,
        }
        caught = None
        # A state that passes quickly may be missed.
        while caught is None:
            caught = ways[state](victim)
        beside = self._new_study()
        send(self._node, beside)
        for study, name in ((caught, "the study"), (beside, "the study beside")):
            expected = expected_results(study.sop_instance_uids)
            if left := self._destination.wait_for(expected, _ARRIVAL_SECONDS):
                raise NodeError(f"{state} x {victim}: {len(left)} results of {name} did not come; {self._node.tail()}")
            self._wait_for_state(study, "delivered")
        (job,) = (job for job in self._node.jobs().values() if job.study_instance_uid == caught.study_instance_uid)
        outcome = f"delivered, attempt {job.attempts}"
        self.report.rows.append(Row(f"{state} x {victim}", outcome, time.monotonic() - begun))

    def _new_study(self) -> Examination:
        study = examination(next(self._seeds))
        self._sent.append(study)
        return study

    def _in_queue(self, victim: str) -> Examination:
        """A study whose job waits, because the app holds another one."""
        blocking, study = self._new_study(), self._new_study()
        with self._app_holds():
            send(self._node, blocking)
            self._wait_for_state(blocking, RUNNING)
            send(self._node, study)
            self._wait_for_state(study, QUEUED)
            self._kill(victim)
            if self._state(study) != QUEUED:
                raise NodeError(f"the job is {self._state(study)}, not queued, after the kill")
        return study

    def _in_run(self, victim: str) -> Examination:
        study = self._new_study()
        with self._app_holds():
            send(self._node, study)
            self._node.wait_for((self._node.control / "running").exists, "the app's run")
            self._wait_for_state(study, RUNNING)
            self._kill(victim)
        return study

    def _in_verification(self, victim: str) -> Examination | None:
        """Verification takes a fraction of a second: the node is stopped (SIGSTOP) when it is seen, then killed."""
        study = self._new_study()
        send(self._node, study)
        query = "SELECT state FROM jobs WHERE study_instance_uid = ?"
        with closing(sqlite3.connect(f"file:{self._node.data / 'index.sqlite'}?mode=ro", uri=True)) as connection:
            deadline = time.monotonic() + _ARRIVAL_SECONDS
            while (row := connection.execute(query, (study.study_instance_uid,)).fetchone()) != (VERIFYING,):
                if time.monotonic() > deadline:
                    raise NodeError(f"the job did not come to verification; {self._node.tail()}")
                if row not in (None, (QUEUED,), (RUNNING,)):
                    return None
        os.kill(self._node.pid, signal.SIGSTOP)
        still = self._state(study) == VERIFYING
        if still:
            self._kill(victim)
        if self._node.is_running:
            os.kill(self._node.pid, signal.SIGCONT)
        return study if still else None

    def _in_delivery(self, victim: str) -> Examination:
        """A study of which the destination does not answer the first object."""
        study = self._new_study()
        self._destination.waiting.clear()
        self._destination.storing.clear()
        try:
            send(self._node, study)
            self._node.wait_for(self._destination.waiting.is_set, "the first C-STORE to the destination")
            self._wait_for_state(study, DELIVERING)
            self._kill(victim)
        finally:
            self._destination.storing.set()
        return study

    def _in_commitment(self, victim: str) -> Examination:
        """A study whose results are stored, but not committed."""
        study = self._new_study()
        self._destination.committing.clear()
        asked = self._destination.asked
        try:
            send(self._node, study)
            self._node.wait_for(lambda: self._destination.asked > asked, "the request for storage commitment")
            self._wait_for_state(study, DELIVERING)
            self._kill(victim)
        finally:
            self._destination.committing.set()
        return study

    def _app_holds(self) -> _Held:
        return _Held(self._node.control)

    def _kill(self, victim: str) -> None:
        if victim == "node":
            self._node.kill()
            self._node.start()
            return
        stopped = [process for process in self._node.tree() if process.kind == victim]
        if not stopped:
            raise NodeError(f"there is no {victim} process")
        os.kill(stopped[0].pid, signal.SIGKILL)

    def _state(self, study: Examination) -> str:
        states = [job.state for job in self._node.jobs().values() if job.study_instance_uid == study.study_instance_uid]
        return states[0] if states else ""

    def _wait_for_state(self, study: Examination, state: str) -> None:
        self._node.wait_for(lambda: self._state(study) == state, f"job {state}, now {self._state(study)}")


class _Held:
    """While it is entered, the app begins its runs and does not end them."""

    def __init__(self, control: Path) -> None:
        self._hold = control / "hold"
        self._running = control / "running"

    def __enter__(self) -> None:
        self._running.unlink(missing_ok=True)
        self._hold.touch()

    def __exit__(self, *_: object) -> None:
        self._hold.unlink()


def faults(folder: Path, seed: int, kinds: Sequence[str] = tuple(FAULTS)) -> StatesReport:
    """Apps that hang, take too much memory or crash, each beside studies that do not."""
    report = StatesReport()
    with ExitStack() as stack:
        destination = stack.enter_context(Destination("ARCHIVE"))
        limits = {"maximum_attempts": 1, "timeout_seconds": 5.0, "memory_limit_gib": 1.0}
        node = NodeProcess(folder, {"archive": destination}, target=failing_app.TARGET, apps={tiny_app.APP: limits})
        stack.enter_context(node)
        node.wait_for_app()
        for number, kind in enumerate(kinds):
            begun = time.monotonic()
            bad = examination(seed * 1_000_000 + 600_000 + 2 * number, PatientID=kind)
            good = examination(seed * 1_000_000 + 600_001 + 2 * number)
            send(node, bad)
            send(node, good)
            if left := destination.wait_for(expected_results(good.sop_instance_uids), _ARRIVAL_SECONDS):
                report.findings.append(f"{kind}: {len(left)} results of the study beside did not come; {node.tail()}")
                continue
            node.wait_for(_has_ended(node, bad), f"the end of the job that does {kind}")
            (job,) = (job for job in node.jobs().values() if job.study_instance_uid == bad.study_instance_uid)
            reason, word = FAULTS[kind]
            if (job.state, job.reason) != ("failed", reason) or word not in job.detail:
                report.findings.append(f"{kind}: the job is {job.state}: {job.reason}: {job.detail}")
            last = job.detail.strip().splitlines()[-1:] or [""]
            report.rows.append(
                Row(f"app: {kind.lower()}", f"{job.state}: {job.reason}: {last[0]}", time.monotonic() - begun)
            )
    return report


def _has_ended(node: NodeProcess, study: Examination) -> Callable[[], bool]:
    return lambda: any(
        job.study_instance_uid == study.study_instance_uid and job.is_final for job in node.jobs().values()
    )


def main() -> int:
    """Run the command; the exit status is 1 when something was found."""
    given = parser("states", __doc__, count=1, unit="rounds over all pairs").parse_args()
    pairs = [*itertools.product(STATES, VICTIMS)] * given.count
    with tempfile.TemporaryDirectory() as name:
        folder = given.keep or Path(name)
        reports = [KilledInStates(folder / "states", given.seed).run(pairs), faults(folder / "faults", given.seed)]
    rows = [row for report in reports for row in report.rows]
    findings = [finding for report in reports for finding in report.findings]
    print_table(f"states, seed {given.seed}", [(row.name, f"{row.outcome} ({row.seconds:.1f} s)") for row in rows])
    print("\n".join(findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
