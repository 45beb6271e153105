from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from operators.check.gate import GateResult
from operators.check.geometry import geometry_gate
from operators.read.study import Series, read_study
from operators.read.volume import Volume, read_volume
from operators.refused import Reason, Refused
from phantoms.faults import drop_slice, duplicate_slice, set_attributes, truncate_file
from tests.operators.check.volumes import figure
from tests.operators.read.slices import AXIAL, ramp, write_series


def judged(folder: Path) -> GateResult:
    (series,) = read_study(folder).series
    return geometry_gate(series, read_or_refused(series))


def read_or_refused(series: Series) -> Volume | Refused:
    try:
        return read_volume(series)
    except Refused as refused:
        return refused


def test_a_good_stack_passes_with_its_figures(tmp_path: Path) -> None:
    write_series(tmp_path, ramp("i2", (8, 6, 5)), SliceThickness="2.5")
    result = judged(tmp_path)
    assert result.passed
    assert result.detail == "8 slices 3 mm apart"
    assert figure(result, "number-of-slices") == 8
    assert figure(result, "112226") == 3.0
    assert figure(result, "largest-gap-deviation") == 0.0
    assert figure(result, "shear") == 0.0
    assert figure(result, "112225") == 2.5
    assert figure(result, "slice-gap") == 0.5


def test_what_the_header_does_not_tell_is_left_out(tmp_path: Path) -> None:
    write_series(tmp_path, ramp("i2"))
    assert [item.name.value for item in judged(tmp_path).figures] == [
        "number-of-slices",
        "112226",
        "largest-gap-deviation",
        "shear",
    ]


def test_a_tilted_stack_shows_its_shear(tmp_path: Path) -> None:
    affine = AXIAL.copy()
    affine[1, 2] = 3.0 * np.tan(np.radians(12.0))
    write_series(tmp_path, ramp("i2", (6, 6, 5)), affine)
    result = judged(tmp_path)
    assert result.reason is Reason.GANTRY_TILT
    assert figure(result, "shear") == pytest.approx(12.0, abs=1e-3)
    assert figure(result, "112226") == pytest.approx(3.0)


def missing(paths: list[Path]) -> None:
    drop_slice(paths, 4)


def uneven(paths: list[Path]) -> None:
    set_attributes(paths[4:5], ImagePositionPatient=[-40.0, -50.0, 23.2])


def duplicate(paths: list[Path]) -> None:
    duplicate_slice(paths, 3)
    set_attributes([paths[3]], PixelData=b"\1" * 60)


def turned(paths: list[Path]) -> None:
    set_attributes(paths[:1], ImageOrientationPatient=[0.0, 1.0, 0.0, 0.0, 0.0, 1.0])


def nowhere(paths: list[Path]) -> None:
    set_attributes(paths[:1], ImagePositionPatient=None)


def elsewhere(paths: list[Path]) -> None:
    set_attributes(paths[:2], FrameOfReferenceUID="2.25.1")


@pytest.mark.parametrize(
    ("spoil", "reason", "figures"),
    [
        (missing, Reason.MISSING_SLICE, {"number-of-slices": 7, "112226": 3.0, "largest-gap-deviation": 3.0}),
        (uneven, Reason.UNEVEN_SPACING, {"number-of-slices": 8, "112226": 3.0, "largest-gap-deviation": 1.2}),
        (duplicate, Reason.DUPLICATE_POSITION, {"number-of-slices": 9, "112226": 3.0, "largest-gap-deviation": 0.0}),
        (turned, Reason.MIXED_ORIENTATION, {"number-of-slices": 8}),
        (nowhere, Reason.MISSING_GEOMETRY, {"number-of-slices": 8}),
        (elsewhere, Reason.MIXED_FRAME_OF_REFERENCE, {"number-of-slices": 8}),
    ],
)
def test_a_broken_stack_has_its_reason_and_its_figures(
    spoil: Callable[[list[Path]], None], reason: Reason, figures: dict[str, float], tmp_path: Path
) -> None:
    spoil(write_series(tmp_path, ramp("i2", (8, 6, 5))))
    result = judged(tmp_path)
    assert result.reason is reason
    assert result.name.value == "geometry-gate"
    assert {name: figure(result, name) for name in figures} == pytest.approx(figures)
    assert result.detail


def test_pixels_that_are_cut_are_no_matter_of_geometry(tmp_path: Path) -> None:
    paths = write_series(tmp_path, ramp("i2", (4, 16, 16)))
    truncate_file(paths[2], 0.95)
    result = judged(tmp_path)
    assert result.reason is Reason.TRUNCATED_PIXEL_DATA
    assert result.name.value == "pixel-data-gate"
    assert figure(result, "number-of-slices") == 4
