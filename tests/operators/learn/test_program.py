from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from operators.learn.program import begin, training_parser

PARSER = training_parser("some_app", ("test", "cpu"), Path("model"), description=None, data="pictures")


@pytest.fixture
def own_settings() -> Iterator[None]:
    """Beginning a program changes the threads, and who is told, of the whole process."""
    root = logging.getLogger()
    handlers, level, threads = root.handlers[:], root.level, torch.get_num_threads()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("own_settings")
@pytest.mark.parametrize("size", ["test", "cpu"])
def test_the_size_that_only_tries_the_way_says_so(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    begin(PARSER.parse_args(["--size", size, "--device", "cpu"]))
    assert ("tries the way only" in capsys.readouterr().err) == (size == "test")


def test_the_help_says_what_each_size_is_for() -> None:
    assert "test only tries the way" in " ".join(PARSER.format_help().split())
