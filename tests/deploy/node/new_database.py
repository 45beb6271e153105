"""A new database in no time: making its tables takes long, and property tests need many."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from deploy.node.database import FILE_NAME, Database, open_database


def new_database(folder: Path) -> Database:
    """Open a database without rows in a folder that has none."""
    (folder / FILE_NAME).write_bytes(_content())
    return open_database(folder, upgrade=False)


@cache
def _content() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        open_database(Path(folder)).close()
        return (Path(folder) / FILE_NAME).read_bytes()
