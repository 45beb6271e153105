"""What holds for the object of every writer."""

from __future__ import annotations

from pathlib import Path

import pytest

from operators.provenance import Analysis
from operators.write.base.result import save
from tests.operators.write.every_object import EVERY_OBJECT
from tests.operators.write.validators import dciodvfy_problems


@pytest.mark.parametrize("name", EVERY_OBJECT)
def test_the_validator_finds_nothing(name: str, analysis: Analysis, tmp_path: Path) -> None:
    for dataset in EVERY_OBJECT[name](analysis).objects.values():
        assert dciodvfy_problems(save(dataset, tmp_path)) == []


@pytest.mark.parametrize("name", EVERY_OBJECT)
def test_the_same_analysis_gives_the_same_bytes(name: str, analysis: Analysis, tmp_path: Path) -> None:
    saved = []
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        saved.append(save(EVERY_OBJECT[name](analysis).object, tmp_path / folder).read_bytes())
    assert saved[0] == saved[1]
