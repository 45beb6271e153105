"""What takes the room in the data folder."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from deploy.node.database import FILE_NAME

_MEANINGS = {
    "spool": "images",
    "outbox": "results",
    "logs": "logs of the apps",
    "work": "runs under way",
}


def usage(data_folder: Path) -> dict[str, int]:
    """Return the bytes on the disk by kind, the largest first; files that vanish meanwhile count as nothing.

    ``kept aside`` is what no part of the node uses any more: former databases, torn files, results of a former index.
    """
    sizes: Counter[str] = Counter()
    for path, size in _files(data_folder):
        sizes[_kind(path.relative_to(data_folder))] += size
    return dict(sizes.most_common())


def _kind(path: Path) -> str:
    first = path.parts[0]
    if first in (FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm"):
        return "index"
    if first.startswith((f"{FILE_NAME}.", "outbox.")) or path.parts[:2] == ("spool", "torn"):
        return "kept aside"
    return _MEANINGS.get(first, "other")


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent) / name
            try:
                yield path, path.lstat().st_blocks * 512
            except FileNotFoundError:
                continue
