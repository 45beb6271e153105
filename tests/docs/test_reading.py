"""The tables of docs/reading.md are complete, and the tests that they name exist."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path

from operators.read.geometry.dimensions import DIMENSIONS
from operators.read.geometry.planes import DIRECTION_TOLERANCE, SPACING_TOLERANCE
from operators.read.geometry.spacing import DUPLICATE_DISTANCE_MM, GAP_TOLERANCE_MM, GAP_TOLERANCE_SHARE
from operators.read.geometry.tilt import TILT_TOLERANCE_DEGREES
from operators.read.rules import ReadingRules
from operators.refused import Reason

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "reading.md").read_text(encoding="utf-8")


def rows(first_cell: str) -> list[list[str]]:
    """The cells of every table row whose first cell has this form."""
    lines = re.findall(rf"^\| *{first_cell} *\|.*\|$", TEXT, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@lru_cache
def functions(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_every_reason_has_its_cause_and_remedy() -> None:
    table = rows("`[a-z-]+`")
    assert [row[0].strip("`") for row in table] == [reason.value for reason in Reason]
    assert [row[1] for row in table] == [reason.meaning for reason in Reason]
    assert all(len(row) == 4 and row[2] and row[3] for row in table)


def test_every_known_defect_is_a_test_or_cannot_be() -> None:
    table = rows("[DW][0-9]+")
    assert [row[0] for row in table] == [*(f"D{n}" for n in range(1, 30)), *(f"W{n}" for n in range(1, 10))]
    for number, _, what, tests in table:
        named = re.findall(r"`(tests/[a-z_0-9/]+\.py)::(\w+)`", tests)
        assert named or what.startswith("Not there"), number
        for path, name in named:
            assert name in functions(path), f"{number}: {path}::{name}"


def test_every_dimension_and_rule_is_named() -> None:
    for name in (*DIMENSIONS, *ReadingRules.__dataclass_fields__):
        assert f"`{name}`" in TEXT, name


def test_tolerances_are_those_of_the_code() -> None:
    assert dict(row[:2] for row in rows("[a-z ]+") if len(row) == 2 and row[0] != "tolerance") == {
        "direction cosines within a series": f"{DIRECTION_TOLERANCE:.4f}",
        "pixel spacing within a series": f"{SPACING_TOLERANCE:.2%}".replace("%", " %"),
        "distance of neighbours": f"{GAP_TOLERANCE_SHARE:.0%}".replace("%", " %")
        + f", or {GAP_TOLERANCE_MM} mm (0.2 of the spacing, if that is less)",
        "slices at one position": f"closer than {DUPLICATE_DISTANCE_MM} mm",
        "gantry tilt": f"{TILT_TOLERANCE_DEGREES}° between slice vector and normal",
    }
