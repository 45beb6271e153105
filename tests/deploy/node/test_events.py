"""Lines that cannot be written."""

from __future__ import annotations

import json
import sys
from io import FileIO
from pathlib import Path

import pytest

from deploy.node.events import log


class Unbuffered:
    """A text stream that keeps nothing back, so that nothing is written when it is closed."""

    def __init__(self, file: FileIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        self._file.write(text.encode())

    def flush(self) -> None:
        pass


def test_log_on_a_full_disk_ends_nothing_and_is_told_later(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patched, Path("/dev/full").open("wb", buffering=0) as full:
        patched.setattr(sys, "stderr", Unbuffered(full))
        log("test", "first")
        log("test", "second")
    log("test", "third")
    lines = capsys.readouterr().err.splitlines()
    assert "2 lines could not be written" in lines[0]
    assert "third" in lines[1]


@pytest.mark.parametrize(("kind", "level"), [("sent", "info"), ("disk-low", "warning"), ("failed", "warning")])
def test_the_level_tells_what_a_person_may_have_to_do_something_about(
    kind: str, level: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log(kind, "text")
    assert json.loads(capsys.readouterr().err)["level"] == level
