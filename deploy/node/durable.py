"""Moves that survive a loss of power."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def synchronize_folder(folder: Path | str) -> None:
    """Make a folder's entries durable (fsync(2): that of a file does not cover its entry in the folder)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def synchronize_file(path: Path | str) -> None:
    """Make a file's content durable."""
    with Path(path).open("rb") as file:
        os.fsync(file.fileno())


def move_folder(source: Path, target: Path) -> None:
    """Move a folder of files to where nothing, or something older, is; durable when this returns.

    Both must be on one file system, so that ``target`` is never there in part. Raises :class:`OSError`.
    """
    for path in source.iterdir():
        synchronize_file(path)
    synchronize_folder(source)
    if not target.parent.is_dir():
        target.parent.mkdir()
        synchronize_folder(target.parent.parent)
    if target.exists():
        shutil.rmtree(target)
    source.rename(target)
    synchronize_folder(target.parent)
