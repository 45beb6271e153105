"""Many cases in worker processes with limits: a crash, a hang or an exception is a finding, not the end."""

from __future__ import annotations

import multiprocessing
import os
import re
import resource
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from tests.fuzz.cases import Case, case
from tests.fuzz.instances import Folder
from tests.fuzz.oracle import MismatchError
from tests.fuzz.reading import read_folder
from tests.fuzz.seeds import SEEDS, seed_folder

HANG_SECONDS = 5.0
MEMORY_BYTES = 3 << 30
_BATCH = 50
_MEMORY = "/dev/shm"


@dataclass(frozen=True)
class Finding:
    """A case that is neither read right nor refused: what happened, and where."""

    number: int
    kind: str
    text: str


Slowest = tuple[float, int]
"""Seconds of the case that took longest, and its number."""


@dataclass
class Report:
    """What became of all cases."""

    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0
    slowest: Slowest = (0.0, -1)


class Workspace:
    """One folder for each seed; only the files that a case changes are written, and put back after it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        for seed in SEEDS:
            (root / seed).mkdir()
            for name, content in seed_folder(seed).items():
                (root / seed / name).write_bytes(content)

    def read(self, item: Case) -> str:
        """Read the case's folder; raises what goes wrong."""
        content: Folder = item.folder()
        folder = self._root / item.seed
        try:
            for name in item.files:
                (folder / name).write_bytes(content[name])
            return read_folder(folder, content)
        finally:
            for name in item.files:
                (folder / name).write_bytes(seed_folder(item.seed)[name])


def finding(number: int, error: BaseException) -> Finding:
    """The finding that an exception is; its kind names the place, so that the same ones can be counted."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/operators/" in frame.filename] or frames
    place = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"
    said = str(error).split("\n", 1)[0][:60] if isinstance(error, MismatchError) else ""
    kind = f"{type(error).__name__} at {place} {re.sub(r'[0-9]+', 'N', said)}"
    return Finding(number, kind, "".join(traceback.format_exception(error))[-3000:])


def _work(campaign: int, numbers: Iterable[int], at: Any, results: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    outcomes: Counter[str] = Counter()
    slowest: Slowest = (0.0, -1)
    with tempfile.TemporaryDirectory(dir=_MEMORY if Path(_MEMORY).is_dir() else None) as folder:
        workspace = Workspace(Path(folder))
        # Decoders write there about everything that is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        for number in numbers:
            at.value = number
            item, start = case(campaign, number), time.monotonic()
            try:
                outcomes[workspace.read(item)] += 1
            # Whatever it is, it is what is being looked for; what Rust raises is no Exception.
            except BaseException as error:
                outcomes["finding"] += 1
                results.send(finding(number, error))
            slowest = max(slowest, (time.monotonic() - start, number))
            if outcomes.total() == _BATCH:
                results.send((outcomes, slowest))
                outcomes = Counter()
        at.value = -1
        results.send((outcomes, slowest))


class _Worker:
    """A process with a share of the numbers; started anew behind the number at which it died."""

    def __init__(self, campaign: int, numbers: range) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._campaign, self._numbers = campaign, numbers
        self._start()

    def _start(self) -> None:
        self.at = self._context.Value("q", -2, lock=False)
        self.results, sending = self._context.Pipe(duplex=False)
        self.process = self._context.Process(
            target=_work, args=(self._campaign, self._numbers, self.at, sending), daemon=True
        )
        self.process.start()
        sending.close()
        self._seen, self._since = -2, time.monotonic()

    def hangs(self) -> bool:
        """Whether one case has taken longer than the limit."""
        if self.at.value != self._seen:
            self._seen, self._since = self.at.value, time.monotonic()
        return self._seen >= 0 and time.monotonic() - self._since > HANG_SECONDS

    def restart(self) -> int:
        """End the process, go on behind the number it was at, and return that number."""
        self.process.kill()
        self.process.join()
        number = int(self.at.value)
        self._numbers = range(number + self._numbers.step, self._numbers.stop, self._numbers.step)
        self._start()
        return number


def run(campaign: int, count: int, workers: int = 2) -> Report:
    """Read ``count`` cases."""
    report = Report()
    start = time.monotonic()
    running = [_Worker(campaign, range(first, count, workers)) for first in range(workers)]
    while running:
        for ready in wait([worker.results for worker in running], timeout=0.5):
            worker = next(each for each in running if each.results is ready)
            try:
                received = worker.results.recv()
            except EOFError:
                worker.process.join()
                if worker.at.value == -1 and worker.process.exitcode == 0:
                    running.remove(worker)
                    continue
                code = worker.process.exitcode
                number = worker.restart()
                if number < 0:
                    raise RuntimeError(f"a worker cannot start: exit code {code}") from None
                report.findings.append(Finding(number, "crash", f"the process ended with {code}"))
                report.outcomes["finding"] += 1
                continue
            if isinstance(received, Finding):
                report.findings.append(received)
            else:
                report.outcomes += received[0]
                report.slowest = max(report.slowest, received[1])
        for worker in running:
            if worker.hangs():
                report.findings.append(Finding(worker.restart(), "hang", f"more than {HANG_SECONDS} s"))
                report.outcomes["finding"] += 1
    report.seconds = time.monotonic() - start
    return report
