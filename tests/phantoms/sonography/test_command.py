from __future__ import annotations

from pathlib import Path

import pytest

from operators.read.study import read_study
from phantoms.__main__ import main


def test_an_examination_is_written_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["breast-us", str(tmp_path), "--seed", "4", "--lesion", "malignant"]) == 0
    assert "3 instances of one series" in capsys.readouterr().out
    assert len(read_study(tmp_path).instances) == 3
