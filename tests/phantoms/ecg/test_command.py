"""``python -m phantoms ecg``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydicom import dcmread

from operators.measure.ecg.analysis import analyse_ecg
from operators.read.ecg import read_newest_ecg
from operators.read.study import read_study
from phantoms.__main__ import main
from tests.peers import dciodvfy_errors


@pytest.mark.parametrize("finding", [None, "long_qt", "atrial_fibrillation"])
def test_a_recording_is_written_and_its_truth_is_told(
    finding: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["ecg", str(tmp_path), "--seed", "4"]
    assert main(arguments if finding is None else [*arguments, "--finding", finding]) == 0
    told = capsys.readouterr().out
    assert f"{finding or 'healthy'}, " in told
    assert dciodvfy_errors(tmp_path / "ecg.dcm") == []
    assert dcmread(tmp_path / "ecg.dcm").SOPClassUID.name == "12-lead ECG Waveform Storage"
    (series,) = read_study(tmp_path).series
    found = analyse_ecg(read_newest_ecg(series).recording.leads)
    numbers = dict(re.findall(r"(PR|QRS|QT) (\d+|none)", told))
    assert found.qrs == pytest.approx(float(numbers["QRS"]), abs=12)
    assert found.qt == pytest.approx(float(numbers["QT"]), abs=20)
    assert found.pr == (None if numbers["PR"] == "none" else pytest.approx(float(numbers["PR"]), abs=12))


def test_the_same_seed_writes_the_same_recording(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        assert main(["ecg", str(tmp_path / folder), "--seed", "4"]) == 0
    assert (tmp_path / "one" / "ecg.dcm").read_bytes() == (tmp_path / "two" / "ecg.dcm").read_bytes()


def test_a_finding_that_is_not_known_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["ecg", str(tmp_path), "--finding", "measles"])
    assert "invalid choice: 'measles'" in capsys.readouterr().err
