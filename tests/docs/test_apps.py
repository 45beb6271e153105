"""docs/apps.md names every app, with the outputs and gates that it has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from apps.run import app_manifest, app_names

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "apps.md").read_text(encoding="utf-8")
SIDE_BY_SIDE = TEXT.split("## Side by side")[1].split("\n## ")[0]
GATES = TEXT.split("## Is this input like the training data?")[1].split("\n### ")[0]


@pytest.mark.parametrize("name", app_names())
def test_the_table_tells_every_app_and_its_outputs(name: str) -> None:
    (row,) = re.findall(rf"^\| `{name}` \|.*\|$", SIDE_BY_SIDE, re.MULTILINE)
    told = {output.strip() for output in row.strip("|").split("|")[-1].split(",")}
    assert told == {output.object.replace("_", " ") for output in app_manifest(name).outputs.values()}


@pytest.mark.parametrize("name", app_names())
def test_every_app_tells_what_it_compares_with_its_training_data(name: str) -> None:
    assert f"`{name}`" in GATES
