"""OHIF from its published npm package, in a folder beside the checkout's other build products.

    python -m tests.viewers.ohif        fetch it, where it is not there yet

Only this command asks the package registry; tests read the folder.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "@ohif/app"
VERSION = "3.12.10"
INTEGRITY = "sha512-0kuF66Mq9c9dMD++bUsTjMrJpXJwaZhz9B4uS244DawAjSkTwIYFU93pxPuRUQixaRi7QAHlF3Fe1qudBlZrmA=="
"""Of the packed package (Subresource Integrity, as in npm's lock files)."""
FOLDER = Path(__file__).resolve().parents[2] / ".viewers" / f"ohif-{VERSION}"

_CONTENT = "package/dist/"
# 136 MB of a runtime for neural networks in the browser, which only marking with assistance loads.
_LEFT_OUT = "package/dist/ort/"


class FetchError(RuntimeError):
    """The package cannot be had, or is not the one that was pinned."""


def fetch() -> Path:
    """Return the folder of the viewer's files, fetched before if it was not there. Raises :class:`FetchError`."""
    if FOLDER.is_dir():
        return FOLDER
    npm = shutil.which("npm")
    if npm is None:
        raise FetchError("npm is not installed (Debian package: npm)")
    FOLDER.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER.parent) as work:
        done = subprocess.run(
            [npm, "pack", "--silent", f"{PACKAGE}@{VERSION}"], cwd=work, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise FetchError(f"npm pack {PACKAGE}@{VERSION} failed:\n{done.stderr}")
        (packed,) = Path(work).glob("*.tgz")
        digest = base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
        if f"sha512-{digest}" != INTEGRITY:
            raise FetchError(f"{PACKAGE} {VERSION} has integrity sha512-{digest}, not the pinned {INTEGRITY}")
        _unpack(packed, Path(work) / "dist")
        # Whole or not at all: nobody sees a folder that is half filled.
        (Path(work) / "dist").rename(FOLDER)
    return FOLDER


def _unpack(packed: Path, folder: Path) -> None:
    with tarfile.open(packed) as archive:
        for member in archive:
            if member.isfile() and member.name.startswith(_CONTENT) and not member.name.startswith(_LEFT_OUT):
                target = folder / member.name.removeprefix(_CONTENT)
                target.parent.mkdir(parents=True, exist_ok=True)
                # Debian's Python 3.11.2 has no extraction filters yet; the pinned package's names leave no folder.
                with archive.extractfile(member) as content, target.open("wb") as file:  # type: ignore[union-attr]
                    shutil.copyfileobj(content, file)


if __name__ == "__main__":
    try:
        print(fetch())
    except FetchError as error:
        sys.exit(str(error))
