"""C-STORE beside other receivers: ``taskset -c 0,1 python benchmarks/receive.py --rounds 3`` (``--quick``: one round).

Every server runs in a process tree of its own and every sender in processes of its own, all on the same cores. Round
after round in an order drawn anew; each server keeps running between rounds, and every instance is sent once. Gantry
synchronises file and folder before it answers, and indexes; Orthanc synchronises its files and indexes; DCMTK's
``storescp`` and the pynetdicom handler only write. The limit is a TCP server that writes and synchronises files and
knows nothing of DICOM.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import torch
from machine import describe_machine, markdown_table, median, spread
from receive_senders import Instances, make_instances, send_fast, send_raw, send_with, write_files
from receive_servers import GANTRY, LIMIT, SERVERS, cpu_seconds, running

PAYLOADS = ((300, 500_000), (2000, 10_000))
SENDERS = (1, 4, 16)
FAST = "fast sender"
PROGRAMS = {
    "storescu": ("/usr/bin/storescu", "+sd", "-R"),
    "dcmsend": ("/usr/bin/dcmsend", "--scan-directories"),
}


@dataclass(frozen=True)
class Case:
    """What is sent by how many senders of which kind."""

    instances: int
    size: int
    senders: int
    client: str


@dataclass(frozen=True)
class Taken:
    """One server's figures in one round: wall-clock and processor seconds."""

    seconds: float
    cpu: float


def main() -> None:
    """Measure and print Markdown tables."""
    options = _parser().parse_args()
    print(describe_machine(torch.device("cpu")))
    cases = [
        Case(instances, size, senders, client)
        for instances, size in (PAYLOADS[index] for index in options.payloads)
        for senders in options.senders
        for client in options.clients
    ]
    with tempfile.TemporaryDirectory(dir=options.folder) as folder, ExitStack() as stack:
        work = Path(folder)
        servers = [*options.servers, LIMIT]
        started = {
            name: stack.enter_context(running(name, work / f"server{number}", options.cores))
            for number, name in enumerate(servers)
        }
        for case in cases:
            rounds = 1 if options.quick else options.rounds
            print(_table(case, _measure(case, started, rounds, work)), flush=True)


def _measure(case: Case, started: dict[str, tuple[int, int]], rounds: int, work: Path) -> dict[str, list[Taken]]:
    taken: dict[str, list[Taken]] = defaultdict(list)
    names = [name for name in started if name != LIMIT or case.client == FAST]
    shuffle = random.Random(17).shuffle
    for number in range(rounds):
        shuffle(names)
        for name in names:
            port, process = started[name]
            send = _prepared(case, name, port, work)
            before = cpu_seconds(process)
            begin = time.perf_counter()
            send()
            seconds = time.perf_counter() - begin
            # What is done behind the sender's back is paid for, too.
            _wait_until_idle(process)
            taken[name].append(Taken(seconds, cpu_seconds(process) - before))
        print(f"{case}: round {number + 1}", file=sys.stderr, flush=True)
    return taken


_runs = count(1)


def _prepared(case: Case, server: str, port: int, work: Path) -> Callable[[], None]:
    run = next(_runs)
    shares: list[Instances] = [
        make_instances(case.instances // case.senders, case.size, share=share, run=run)
        for share in range(1, case.senders + 1)
    ]
    if case.client == FAST:
        return lambda: (send_raw if server == LIMIT else send_fast)(port, shares)
    shutil.rmtree(work / "files", ignore_errors=True)
    folders = [work / "files" / str(number) for number in range(case.senders)]
    for share, folder in zip(shares, folders, strict=True):
        write_files(share, folder)
    return lambda: send_with(PROGRAMS[case.client], port, folders)


def _wait_until_idle(process: int) -> None:
    before = cpu_seconds(process)
    while True:
        time.sleep(0.3)
        now = cpu_seconds(process)
        if now - before < 0.03:
            return
        before = now


def _table(case: Case, taken: dict[str, list[Taken]]) -> str:
    number = case.instances // case.senders * case.senders
    ours = [number / each.seconds for each in taken[GANTRY]]
    rows = []
    for name in (*SERVERS, LIMIT):
        if name not in taken:
            continue
        rates = [number / each.seconds for each in taken[name]]
        rows.append(
            (
                name,
                f"{median(rates):.0f}",
                spread(rates, 0),
                f"{median(rates) * case.size / 1e6:.0f}",
                f"{median([each.cpu for each in taken[name]]) / number * 1e3:.2f}",
                f"{median([one / other for one, other in zip(ours, rates, strict=True)]):.2f}",
            )
        )
    title = f"{case.instances} x {case.size / 1000:g} kB, {case.senders} x {case.client}"
    columns = (title, "instances/s", "range", "MB/s", "CPU ms/instance", "Gantry ÷ it")
    return markdown_table(columns, rows) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--payloads", type=int, nargs="+", default=range(len(PAYLOADS)), help="which: 0, 1")
    parser.add_argument("--senders", type=int, nargs="+", default=SENDERS)
    parser.add_argument("--clients", nargs="+", default=(FAST, *PROGRAMS), choices=(FAST, *PROGRAMS))
    parser.add_argument("--servers", nargs="+", default=SERVERS, choices=SERVERS)
    parser.add_argument("--cores", default="0,1", help="for the servers, as taskset(1) takes them")
    parser.add_argument("--folder", type=Path, help="where to write; the default is the system's temporary folder")
    return parser


if __name__ == "__main__":
    main()
