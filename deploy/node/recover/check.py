"""Every file of the spool read again and compared with what was received."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select

from deploy.node.database import Database, Instance
from deploy.node.file_meta import NotDicomFileError
from deploy.node.header import UnreadableHeaderError
from deploy.node.spool import Spool, TornFileError


@dataclass(frozen=True)
class SpoolCheck:
    """What was found: files that are as they were received, and problems, each a path with what is wrong."""

    sound: int
    bytes: int
    problems: tuple[tuple[str, str], ...]


def check_spool(database: Database, spool: Spool) -> SpoolCheck:
    """Hash every file: against its self-check, and against the index, which has the digest it had when it came.

    Changes nothing; the node may be at work. What arrives meanwhile need not be in the index yet.
    """
    with database.read() as session:
        digests = {row.path: row.sha256 for row in session.execute(select(Instance.path, Instance.sha256))}
    problems = []
    sound = size = 0
    for path in spool.paths():
        digest = digests.pop(path, None)
        try:
            stored = spool.read(path)
        # Retention may delete a study meanwhile.
        except FileNotFoundError:
            continue
        except (OSError, TornFileError, NotDicomFileError, UnreadableHeaderError) as error:
            problems.append((path, str(error)))
            continue
        if digest is not None and digest != stored.sha256:
            problems.append((path, "the data set is not the one that was received"))
            continue
        sound += 1
        size += stored.size
    problems += _missing(database, spool, digests)
    return SpoolCheck(sound, size, tuple(problems))


def _missing(database: Database, spool: Spool, paths: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Rows that have no file, unless retention has taken both away meanwhile."""
    with database.read() as session:
        for path in paths:
            if not (spool.folder / path).exists() and session.scalar(select(Instance.id).where(Instance.path == path)):
                yield path, "the file is missing"
