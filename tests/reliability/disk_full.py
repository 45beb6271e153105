"""A real filesystem filled while studies come in: ``python -m tests.reliability.disk_full``.

Four senders fill an ext4 filesystem (2 GB; ``--count`` gives the MB) until the node refuses; then space returns, and
nothing else happens. Once with a reserve, below which the node accepts nothing, and once without one, to the last
block: what was acknowledged must be there each time, and everything must arrive after all.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

from tests.reliability import truth
from tests.reliability.command import parser, print_table
from tests.reliability.destination import Destination
from tests.reliability.examinations import Examination, examination
from tests.reliability.filesystem import mounted_ext4
from tests.reliability.node import NodeError, NodeProcess
from tests.reliability.senders import Acknowledgements, Sender

OUT_OF_RESOURCES = 0xA700

_SENDERS = 4
_BALLAST = 0.5
"""Share of the filesystem that something else uses, until it lets go of it."""

_FULL_SECONDS = 2.0
_RECOVERY_SECONDS = 180.0
_FINAL_SECONDS = 600.0


@dataclass
class DiskReport:
    """What was done and what was found."""

    reserve_gib: float
    studies: int = 0
    acknowledged: int = 0
    acknowledged_when_full: int = 0
    free_when_full: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    rejections: int = 0
    recovery_seconds: float = 0.0
    final_seconds: float = 0.0
    findings: list[str] = field(default_factory=list)


def fill(folder: Path, seed: int, megabytes: int, reserve_gib: float) -> DiskReport:
    """Fill a filesystem of this size and judge. Raises :class:`tests.reliability.filesystem.CannotMountError`."""
    report = DiskReport(reserve_gib)
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        disk = stack.enter_context(mounted_ext4(folder / "disk.img", folder / "disk", megabytes * 1_000_000))
        destination = stack.enter_context(Destination("ARCHIVE"))
        ballast = disk / "ballast"
        ballast.write_bytes(b"\1" * int(megabytes * 1_000_000 * _BALLAST))
        node = NodeProcess(
            folder / "node", {"archive": destination}, data=disk / "data", disk={"reserve_gib": reserve_gib}
        )
        stack.enter_context(node)
        node.wait_for_app()
        try:
            _fill(node, destination, ballast, folder, seed, megabytes, report)
        except NodeError as error:
            report.findings.append(str(error))
    return report


def _fill(
    node: NodeProcess,
    destination: Destination,
    ballast: Path,
    folder: Path,
    seed: int,
    megabytes: int,
    report: DiskReport,
) -> None:
    work: SimpleQueue[Examination | None] = SimpleQueue()
    acknowledgements = Acknowledgements(folder / "acknowledged")
    senders = [Sender(f"SCANNER{number}", node.port, work, acknowledgements) for number in range(_SENDERS)]
    for sender in senders:
        sender.start()
    given = _send_until_refused(work, senders, seed, megabytes)
    # It stays full for a while: what is refused is tried again and refused again.
    end = time.monotonic() + _FULL_SECONDS
    while time.monotonic() < end:
        if not node.is_running:
            raise NodeError(f"the node has ended on a full disk: {node.tail()}")
        time.sleep(0.2)
    report.free_when_full = shutil.disk_usage(node.data).free
    report.acknowledged_when_full = len(acknowledgements.all())
    report.findings += truth.lost_instances(node, acknowledgements.all())

    ballast.unlink()
    returned = time.monotonic()
    for _ in senders:
        work.put(None)
    for sender in senders:
        sender.join(_RECOVERY_SECONDS)
        if sender.is_alive():
            raise NodeError(f"{sender.name} could not send all after space had returned: {node.tail()}")
    report.recovery_seconds = time.monotonic() - returned
    studies = [examination.study_instance_uid for examination in given]
    while (left := truth.unsettled(node, studies)) and time.monotonic() < returned + _FINAL_SECONDS:
        time.sleep(0.2)
    report.final_seconds = time.monotonic() - returned
    report.studies, report.acknowledged = len(given), len(acknowledgements.all())
    report.rejections = sum(sender.rejections for sender in senders)
    report.statuses = Counter(f"{status:04X}H" for sender in senders for status in sender.refusals)
    report.findings += left
    report.findings += [f"an instance was refused with {status}" for status in report.statuses if status != "A700H"]
    if not report.rejections and not report.statuses:
        report.findings.append("nothing was refused: the filesystem did not become full")
    report.findings += truth.lost_instances(node, acknowledgements.all())
    report.findings += truth.wrong_results(node, given, {"archive": destination})
    if node.stop() != 0:
        report.findings.append("the node did not end with status 0")
    report.findings += truth.damaged_database(node)
    report.findings += truth.stray_files(node)


def _send_until_refused(
    work: SimpleQueue[Examination | None], senders: list[Sender], seed: int, megabytes: int
) -> list[Examination]:
    """Give the senders examinations until the first of them is refused."""
    given: list[Examination] = []
    # Some thirty studies fill it.
    size = 1024 if megabytes >= 1000 else 256
    while not any(sender.refusals or sender.rejections for sender in senders):
        if work.qsize() < 2 * len(senders):
            given.append(examination(seed * 1_000_000 + 700_000 + len(given), size=size))
            work.put(given[-1])
        else:
            time.sleep(0.01)
    return given


def table(report: DiskReport) -> list[tuple[str, object]]:
    """The report as rows."""
    return [
        ("reserve (GiB)", report.reserve_gib),
        ("free when it was full (MB)", round(report.free_when_full / 1e6, 1)),
        ("instances acknowledged until then", report.acknowledged_when_full),
        *((f"  instances refused with {status}", count) for status, count in report.statuses.items()),
        ("  associations rejected", report.rejections),
        ("space returned to all sent (s)", round(report.recovery_seconds, 1)),
        ("space returned to every study final (s)", round(report.final_seconds, 1)),
        ("studies, instances acknowledged in the end", f"{report.studies}, {report.acknowledged}"),
        ("findings", len(report.findings)),
    ]


def main() -> int:
    """Run the command; the exit status is 1 when something was found."""
    given = parser("disk_full", __doc__, count=2000, unit="MB of the filesystem").parse_args()
    findings = []
    with tempfile.TemporaryDirectory() as name:
        folder = given.keep or Path(name)
        for reserve in (given.count / 20_000, 0.0):
            report = fill(folder / f"reserve-{reserve:g}", given.seed, given.count, reserve)
            print_table(f"disk_full, {given.count} MB, seed {given.seed}", table(report))
            findings += report.findings
    print("\n".join(findings[:50]))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
