r"""Make ``version_1.tar.xz``: the data folder that a node of the first version leaves when it is killed.

It was made with the code of git revision 1f664c9 (tables of revision 0001, spool files without self-checks)::

    mkdir /tmp/version_1 && git archive 1f664c9 | tar x -C /tmp/version_1
    cd /tmp/version_1 && PYTHONPATH=/tmp/version_1 unshare --uts sh -c \
        'hostname node && python REPOSITORY/tests/deploy/node/upgrade/make.py version_1.tar.xz'

(leases and tracebacks name the host and the folders of the code).

One study for each state: delivered, refused, failed, delivering, running, queued, undecided, in this order of arrival.
"""

from __future__ import annotations

import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from deploy.node.database import JobState
from phantoms.volumes.single_frame import write_mr
from tests.deploy.node.archive import Archive
from tests.deploy.node.running_node import RunningNode

_FLAIR: dict[str, Any] = {"RepetitionTime": 9000, "EchoTime": 120, "InversionTime": 2500, "BodyPartExamined": "BRAIN"}


def _examination(folder: Path, seed: int, slices: int) -> tuple[Path, ...]:
    values = np.random.default_rng(seed).integers(0, 4000, (slices, 8, 8), dtype=np.uint16)
    (folder / str(seed)).mkdir()
    return tuple(write_mr(folder / str(seed), values, np.diag([1.0, 1.0, 3.0, 1.0]), seed=seed, **_FLAIR).paths)


def main() -> None:
    """Run the node, lead it into every state, kill it, and pack what it leaves."""
    with tempfile.TemporaryDirectory() as name, Archive() as archive:
        folder = Path(name)
        files = [_examination(folder, seed, 5 if seed == 2 else 15) for seed in range(1, 8)]

        def states() -> list[JobState]:
            return [job.state for job in node.jobs()]

        def send_and_wait(number: int, *expected: JobState) -> None:
            node.send(*files[number])
            node.wait_for(lambda: states() == list(expected))

        with RunningNode(folder, archive) as node:
            ended = [JobState.DELIVERED, JobState.REFUSED, JobState.FAILED]
            send_and_wait(0, *ended[:1])
            send_and_wait(1, *ended[:2])
            (node.control / "misbehave").write_text("raise")
            send_and_wait(2, *ended)
            (node.control / "misbehave").unlink()
            archive.stop()
            send_and_wait(3, *ended, JobState.DELIVERING)
            (node.control / "hold").touch()
            send_and_wait(4, *ended, JobState.DELIVERING, JobState.RUNNING)
            send_and_wait(5, *ended, JobState.DELIVERING, JobState.RUNNING, JobState.QUEUED)
            node.send(*files[6])
            node.kill()
        with tarfile.open(sys.argv[1], "w:xz") as packed:
            for path in sorted(node.data.rglob("*")):
                # The log of an app names folders of the machine that it ran on.
                if path.is_file() and path.parent.name != "logs" and path.suffix != ".log":
                    packed.add(path, path.relative_to(node.data).as_posix(), filter=_anonymous)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    main()
