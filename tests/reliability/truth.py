"""What must hold of a node that has come to rest, judged by what was kept outside of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.reliability.destination import Destination
from tests.reliability.examinations import Examination, SmallInstance, expected_results
from tests.reliability.node import NodeProcess

_UID = r"[0-9.]{1,64}"
_LAYOUT = re.compile(
    rf"""
    spool/{_UID}/{_UID}/{_UID}(\.sha256-[0-9a-f]{{16}})?\.dcm
    | index\.sqlite(-wal|-shm)?
    | outbox/[0-9]+/[a-z_]+\.dcm | outbox/[0-9]+/(outcome|job)\.json
    | logs/[a-z_]+\.log(\.1)?
    | node\.lock
    """,
    re.VERBOSE,
)
"""Every file that may lie in the data folder of a node that rests."""


def lost_instances(node: NodeProcess, acknowledged: Mapping[str, SmallInstance]) -> list[str]:
    """Acknowledged instances that are not in the spool, or not byte for byte."""
    kept = {path.stem: path for path in (node.data / "spool").glob("*/*/*.dcm")}
    lost = []
    for uid, instance in acknowledged.items():
        content = kept[uid].read_bytes() if uid in kept else b""
        # Before the data set stands the File Meta Information, which the receiver writes (PS3.10 7.1).
        length = int.from_bytes(content[140:144], "little") if content else 0
        if content[144 + length :] != instance.data_set:
            lost.append(f"{uid} {'differs in' if uid in kept else 'is not in'} the spool")
    return lost


def stray_files(node: NodeProcess) -> list[str]:
    """Files that belong neither to the data folder's layout nor to the test."""
    files = (path.relative_to(node.data).as_posix() for path in node.data.rglob("*") if path.is_file())
    return [f"stray file {name}" for name in files if not _LAYOUT.fullmatch(name)]


def unsettled(node: NodeProcess, studies: Iterable[str]) -> list[str]:
    """Studies over which nothing is decided, or which have a job that has not ended."""
    wanted = set(studies)
    decided = {row[0] for row in node.query("SELECT study_instance_uid FROM studies WHERE decided IS NOT NULL")}
    open_jobs = {job.study_instance_uid for job in node.jobs().values() if not job.is_final}
    return [f"study {uid} is in no final state" for uid in wanted - decided | wanted & open_jobs]


def wrong_results(
    node: NodeProcess, examinations: Iterable[Examination], destinations: Mapping[str, Destination]
) -> list[str]:
    """Results that are missing at a destination, that nothing asked for, or that came with different bytes.

    The results of a whole examination must be there. A job on part of one is right too, where the sender was cut off
    for longer than the quiet time: its results are those of exactly the images that it names.
    """
    found = []
    whole: set[str] = set()
    for examination in examinations:
        whole |= expected_results(examination.sop_instance_uids)
    in_parts: set[str] = set()
    begun: set[str] = set()
    for job in node.jobs().values():
        results = expected_results(job.sop_instance_uids)
        begun |= results
        # One that gave way to a job on more images before it began has none.
        if not job.gave_way:
            in_parts |= results
    for name, destination in destinations.items():
        arrived = destination.sop_instance_uids
        found += [f"result {uid} is missing at {name}" for uid in (whole | in_parts) - arrived]
        found += [f"result {uid} at {name} is of no input" for uid in arrived - whole - begun]
        found += [f"result {uid} came to {name} with different bytes" for uid in destination.different]
    return found


def damaged_database(node: NodeProcess) -> list[str]:
    """What SQLite itself says of the database."""
    rows = [row[0] for row in node.query("PRAGMA integrity_check")]
    rows += [f"foreign key of {row[0]}" for row in node.query("PRAGMA foreign_key_check")]
    return [f"index.sqlite: {row}" for row in rows if row != "ok"]


def left_behind(folder: Path) -> list[str]:
    """What lies in a folder that has to be empty."""
    return [f"{path} was left behind" for path in folder.rglob("*")] if folder.is_dir() else []
