from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from operators.check.checked_volume import image_quality_gates, read_checked_volume
from operators.check.gate import GateResult, RefusedByGate
from operators.read.rules import ReadingRules
from operators.read.study import Series, read_study
from operators.read.volume import Volume
from operators.refused import Reason
from phantoms.mr_brain import simulate_brain_mr
from tests.operators.check.volumes import SHAPE, volume
from tests.operators.read.slices import AXIAL, ramp, write_series


def quality(volume: Volume) -> tuple[GateResult, ...]:
    return image_quality_gates(volume, minimum_extent_mm=1.0)


def series_of(folder: Path) -> Series:
    write_series(folder, ramp("i2", (8, 16, 16)))
    (series,) = read_study(folder).series
    return series


def test_a_good_series_is_read_with_every_verdict(tmp_path: Path) -> None:
    checked = read_checked_volume(series_of(tmp_path), quality, title="T1-weighted")
    assert checked.volume.array.shape == (8, 16, 16)
    assert [result.name.value for result in checked.gates] == [
        "geometry-gate",
        "content-gate",
        "clipping-gate",
        "field-of-view-gate",
        "noise-gate",
        "ghosting-gate",
    ]
    assert {result.subject for result in checked.gates} == {"T1-weighted (4 test)"}
    assert all(result.passed for result in checked.gates)


def test_a_refusal_holds_the_passed_verdicts_as_well(tmp_path: Path) -> None:
    write_series(tmp_path, np.full((8, 16, 16), 7, np.int16))
    (series,) = read_study(tmp_path).series
    with pytest.raises(RefusedByGate) as caught:
        read_checked_volume(series, quality)
    assert caught.value.reason is Reason.IMAGE_QUALITY
    assert [result.passed for result in caught.value.gates] == [True, False, True, True, True, True]
    assert caught.value.gates[0].subject == "4 test"


def test_a_refusal_of_reading_is_the_verdict_of_its_gate(tmp_path: Path) -> None:
    affine = AXIAL.copy()
    affine[1, 2] = 1.0
    write_series(tmp_path, ramp("i2", (8, 16, 16)), affine)
    (series,) = read_study(tmp_path).series
    with pytest.raises(RefusedByGate) as caught:
        read_checked_volume(series, quality)
    (geometry,) = caught.value.gates
    assert caught.value.reason is geometry.reason is Reason.GANTRY_TILT
    assert read_checked_volume(series, quality, rules=ReadingRules(gantry_tilt="keep")).gates[0].passed


def test_every_problem_is_told() -> None:
    results = image_quality_gates(volume(np.zeros(SHAPE, np.int16), np.eye(4)), minimum_extent_mm=100.0)
    assert [result.detail for result in results if not result.passed] == [
        "every voxel is 0",
        "the field of view is 20 x 40 x 30 mm, every side must be at least 100 mm",
    ]


def test_a_simulated_head_passes() -> None:
    phantom = simulate_brain_mr(5, size="small")
    for acquisition in (phantom.flair, phantom.t1):
        head = volume(acquisition.array.astype(np.uint16), acquisition.affine)
        results = image_quality_gates(head, minimum_extent_mm=100.0)
        assert all(result.passed for result in results), results
