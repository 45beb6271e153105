"""A small filesystem of its own, which a test can fill: an ext4 image, mounted; Linux and root are needed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class CannotMountError(RuntimeError):
    """A filesystem cannot be mounted on this machine or by this user."""


@contextmanager
def mounted_ext4(image: Path, folder: Path, size: int) -> Iterator[Path]:
    """An ext4 filesystem of ``size`` bytes in ``image``, mounted at ``folder``. Raises :class:`CannotMountError`."""
    if shutil.which("mkfs.ext4") is None or shutil.which("mount") is None:
        raise CannotMountError("mkfs.ext4 and mount are not installed")
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(size)
    # No blocks are kept for root: the node that runs as root in a container would use them.
    _call("mkfs.ext4", "-q", "-F", "-m", "0", str(image))
    _call("mount", "-o", "loop", str(image), str(folder))
    try:
        yield folder
    finally:
        _call("umount", str(folder))
        image.unlink()


def _call(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotMountError(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
