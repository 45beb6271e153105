"""The data folder belongs to one process at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.node.lock import DataFolderInUseError, lock_data_folder


def test_second_holder_is_told_who_the_first_is(tmp_path: Path) -> None:
    program = (
        "import pathlib, time\n"
        "from deploy.node.lock import lock_data_folder\n"
        f"with lock_data_folder(pathlib.Path({str(tmp_path)!r})):\n"
        "    print('locked', flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "locked\n"
        with (
            pytest.raises(DataFolderInUseError, match=rf"in use by another node \(process {first.pid}\)"),
            lock_data_folder(tmp_path),
        ):
            pass
        first.kill()
    # The lock went with its holder, the file stays, and says that the holder did not let go.
    with lock_data_folder(tmp_path) as was_let_go:
        assert (tmp_path / "node.lock").exists()
        assert not was_let_go


def test_new_data_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    with lock_data_folder(tmp_path / "new"):
        assert (tmp_path / "new").stat().st_mode & 0o077 == 0


def test_lock_can_be_taken_again(tmp_path: Path) -> None:
    for _ in range(2):
        with lock_data_folder(tmp_path / "new") as was_let_go:
            assert was_let_go


def test_holder_that_failed_has_not_let_go(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="damaged"), lock_data_folder(tmp_path):
        raise ValueError("damaged")
    with lock_data_folder(tmp_path) as was_let_go:
        assert not was_let_go
