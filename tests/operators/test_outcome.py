from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from operators.check.figures import SLICE_COUNT, SLICE_SPACING, millimetres, slices
from operators.check.gate import gate_failed, gate_passed
from operators.check.geometry import GEOMETRY_GATE
from operators.outcome import Figure, Gate, Outcome, voxels_of_segments
from operators.refused import Reason


def test_the_gates_survive_the_file(tmp_path: Path) -> None:
    figures = [slices(SLICE_COUNT, 20), millimetres(SLICE_SPACING, 3.3)]
    results = [
        gate_passed(GEOMETRY_GATE, "20 slices 3.3 mm apart", figures).about("T1"),
        gate_failed(GEOMETRY_GATE, Reason.MISSING_SLICE, "2 of 22 slices are missing", figures).about("FLAIR"),
    ]
    outcome = Outcome(
        app="app", version="1.0.0", input_digest="d", status="refused", gates=tuple(map(Gate.of, results))
    )
    outcome.save(tmp_path)
    read = Outcome.load(tmp_path)
    assert read == outcome
    first, second = read.gates
    assert (first.name, first.subject, first.passed, first.reason) == ("Slice geometry", "T1", True, "")
    assert (second.passed, second.reason, second.detail) == (False, "missing-slice", "2 of 22 slices are missing")
    assert second.figures == (
        Figure(code="number-of-slices", name="Number of slices", value=20, unit="{slice}"),
        Figure(code="112226", name="Spacing between slices", value=3.3, unit="mm"),
    )


def test_an_outcome_without_gates_is_still_read(tmp_path: Path) -> None:
    outcome = Outcome(app="app", version="1.0.0", input_digest="d", status="analysed")
    (tmp_path / "outcome.json").write_text(outcome.model_dump_json(exclude={"gates"}), encoding="utf-8")
    assert Outcome.load(tmp_path) == outcome


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.uint32])
def test_voxels_of_a_label_map_are_counted_by_number(kind: type[np.unsignedinteger[Any]]) -> None:
    labels = np.zeros((3, 4, 5), kind)
    assert voxels_of_segments(labels) == {}
    labels[1, 2, 3], labels[2, :2] = 200, 7
    assert voxels_of_segments(labels) == {7: 10, 200: 1}


def test_voxels_of_masks_are_counted_as_they_are_stored() -> None:
    first, second = np.zeros((2, 3, 4, 5), bool)
    first[1, 2], second[0, 0, :2] = True, True
    assert voxels_of_segments(first) == {1: 5}
    assert voxels_of_segments([first, second]) == voxels_of_segments(np.stack([first, second])) == {1: 5, 2: 2}
    fractions: NDArray[np.float32] = np.zeros((3, 4, 5), np.float32)
    # The least is stored as 0 of 255.
    fractions[0, 0, :3] = 1.0, 0.5, 0.001
    assert voxels_of_segments(fractions) == {1: 2}


def test_what_is_shown_of_an_analysis_tells_the_notice_on_its_model() -> None:
    analysed = Outcome(
        app="app", version="1.0.0", input_digest="d", status="analysed", summary="3 lesions", notice="not for use"
    )
    assert analysed.told == "3 lesions [not for use]"
    assert analysed.model_copy(update={"notice": ""}).told == "3 lesions"
    assert analysed.model_copy(update={"status": "refused", "summary": "not analysed: why"}).told == "not analysed: why"
