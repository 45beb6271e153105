from __future__ import annotations

from pathlib import Path

import pytest

from operators.read.study import read_study
from phantoms.__main__ import main


def test_an_examination_is_written_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["breast-us", str(tmp_path), "--seed", "4", "--lesion", "malignant"]) == 0
    assert "3 instances of one series" in capsys.readouterr().out
    assert len(read_study(tmp_path).instances) == 3


@pytest.mark.parametrize(("option", "truth"), [("--effusion", "effusion"), ("--no-effusion", "no effusion")])
def test_a_joint_is_written_with_the_fluid_that_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, truth: str
) -> None:
    assert main(["joint-us", str(tmp_path), "--seed", "4", option]) == 0
    assert capsys.readouterr().out.endswith(f"two pictures and a clip, {truth}\n")
    (series,) = read_study(tmp_path).series
    assert [instance.header.get("NumberOfFrames", 1) for instance in series.instances] == [1, 1, 5]


@pytest.mark.parametrize(
    ("command", "one", "other"),
    [
        ("breast-us", ["--lesion", "benign"], ["--lesion", "malignant"]),
        ("joint-us", ["--effusion"], ["--no-effusion"]),
    ],
)
def test_another_examination_of_the_same_seed_is_another_study(
    tmp_path: Path, command: str, one: list[str], other: list[str]
) -> None:
    for name, options in (("one", one), ("other", other), ("again", one)):
        assert main([command, str(tmp_path / name), "--seed", "4", *options]) == 0
    first, second, again = (read_study(tmp_path / name).instances for name in ("one", "other", "again"))
    uids = [{str(instance.header.SOPInstanceUID) for instance in found} for found in (first, second, again)]
    assert not uids[0] & uids[1]
    assert uids[0] == uids[2]
    assert first[0].header.PatientID == second[0].header.PatientID
    assert first[0].header.StudyInstanceUID != second[0].header.StudyInstanceUID
