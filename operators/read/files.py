"""The files of a study: those of a folder and of the folders in it, or those named one by one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path


def files_of(source: Path | Iterable[Path], note: Callable[[Path, str], None]) -> Iterable[Path]:
    """Yield every file, folder by folder; ``note`` is told the folders that are not read, and why.

    A link to a file is followed; a link to a folder is not, as it may lead anywhere.
    """
    if not isinstance(source, Path):
        yield from source
        return
    if not _is_folder(source):
        yield source
        return

    def failed(error: OSError) -> None:
        note(Path(error.filename), error.strerror or str(error))

    for folder, subfolders, names in os.walk(source, onerror=failed):
        subfolders.sort()
        path = Path(folder)
        for name in subfolders:
            if _is_link(path / name):
                note(path / name, "a link to a folder is not followed")
        yield from (path / name for name in sorted(names))


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    # Listing it will tell what is wrong.
    except OSError:
        return False


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    # Reading it will tell what is wrong.
    except OSError:
        return False
