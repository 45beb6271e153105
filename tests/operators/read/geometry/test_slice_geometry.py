from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID

from operators.read.geometry.slice_geometry import missing_slices, slice_geometry, slice_spacing
from operators.read.study import Instance, Series
from operators.refused import Reason, Refused
from tests.operators.read.slices import AXIAL, SERIES_UID, decimals, headers_of, rotated, slice_header

Headers = list[Dataset]


def series_of(headers: Headers) -> Series:
    instances = tuple(Instance(Path("absent"), header, FileMetaDataset()) for header in headers)
    return Series(UID(SERIES_UID), instances)


def moved(header: Dataset, by: tuple[float, float, float]) -> None:
    header.ImagePositionPatient = decimals(np.array(header.ImagePositionPatient, float) + by)


@given(
    axis=st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda axis: np.linalg.norm(axis) > 0.1),
    degrees=st.floats(0, 360),
    spacing=st.tuples(*[st.floats(0.3, 8)] * 3),
    origin=st.tuples(*[st.floats(-300, 300)] * 3),
    slices=st.integers(2, 40),
    order=st.randoms(use_true_random=False),
)
def test_any_orientation_spacing_and_order_gives_the_exact_affine(
    axis: tuple[float, float, float],
    degrees: float,
    spacing: tuple[float, float, float],
    origin: tuple[float, float, float],
    slices: int,
    order: random.Random,
) -> None:
    affine = rotated(np.diag([*spacing, 1.0]), degrees, axis)
    affine[:3, 3] = origin
    headers = headers_of(affine, slices)
    shuffled = list(range(slices))
    order.shuffle(shuffled)

    geometry = slice_geometry([headers[index] for index in shuffled])

    # Sixteen characters of a decimal string hold ten significant digits in the worst case.
    np.testing.assert_allclose(geometry.affine, affine, rtol=0, atol=1e-6)
    assert [shuffled[index] for index in geometry.order] == list(range(slices))
    assert geometry.shape == (slices, 6, 5)
    np.testing.assert_allclose(geometry.gaps, spacing[2], rtol=0, atol=1e-6)
    # Column, row and slice axis are right-handed whatever the scanner's order.
    assert np.linalg.det(geometry.affine[:3, :3]) > 0


def test_the_affine_holds_the_numbers_of_the_text() -> None:
    headers = headers_of(AXIAL, 3)
    for index, header in enumerate(headers):
        header.ImagePositionPatient = ["-12.3456789012", "0.1", str(7 + 2 * index)]
    affine = slice_geometry(headers).affine
    assert affine[:, 3].tolist() == [-12.3456789012, 0.1, 7.0, 1.0]
    assert affine[:, 0].tolist() == [0.9, 0.0, 0.0, 0.0]
    assert affine[:, 1].tolist() == [0.0, 1.2, 0.0, 0.0]
    assert affine[:, 2].tolist() == [0.0, 0.0, 2.0, 0.0]


def test_slices_numbered_against_their_direction_are_turned() -> None:
    headers = headers_of(AXIAL, 5)[::-1]
    assert slice_geometry(headers).order == (4, 3, 2, 1, 0)


def test_a_sheared_stack_stays_sheared() -> None:
    sheared = AXIAL.copy()
    sheared[:3, 2] = [0.0, 1.5, 4.0]
    np.testing.assert_allclose(slice_geometry(headers_of(sheared, 6)).affine, sheared, atol=1e-9)


def test_rounded_positions_are_even() -> None:
    headers = headers_of(rotated(AXIAL, 12.0, (1, 0.2, 0)), 40)
    for header in headers:
        header.ImagePositionPatient = [f"{value:.2f}" for value in header.ImagePositionPatient]
    slice_geometry(headers)


def without(*indices: int, of: int = 10) -> Callable[[], Headers]:
    return lambda: [header for index, header in enumerate(headers_of(AXIAL, of)) if index not in indices]


def changed(index: int, of: int = 6, **attributes: object) -> Callable[[], Headers]:
    def headers() -> Headers:
        stack = headers_of(AXIAL, of)
        for keyword, value in attributes.items():
            if value is None:
                del stack[index][keyword]
            else:
                setattr(stack[index], keyword, value)
        return stack

    return headers


def shifted(index: int, by: tuple[float, float, float], of: int = 6) -> Callable[[], Headers]:
    def headers() -> Headers:
        stack = headers_of(AXIAL, of)
        moved(stack[index], by)
        return stack

    return headers


def drifting() -> Headers:
    """Every gap within 0.1 mm, yet the errors add up to more than a millimetre in the middle."""
    stack = headers_of(AXIAL, 40)
    for index, header in enumerate(stack):
        moved(header, (0.0, 0.0, 0.08 * min(index, 39 - index)))
    return stack


@pytest.mark.parametrize(
    ("headers", "reason", "said"),
    [
        (without(of=0), Reason.TOO_FEW_SLICES, "has 0"),
        (without(of=1), Reason.TOO_FEW_SLICES, "has 1"),
        (changed(2, ImagePositionPatient=None), Reason.MISSING_GEOMETRY, "instance 3 has no Image Position"),
        (changed(2, ImageOrientationPatient=None), Reason.MISSING_GEOMETRY, "instance 3 has no Image Orientation"),
        (changed(2, PixelSpacing=None), Reason.MISSING_GEOMETRY, "instance 3 has no Pixel Spacing"),
        (changed(2, FrameOfReferenceUID=None), Reason.MISSING_GEOMETRY, "no Frame of Reference UID"),
        (changed(2, ImagePositionPatient=[1.0, 2.0]), Reason.MISSING_GEOMETRY, "2 values instead of 3"),
        (changed(2, PixelSpacing=[0.0, 1.0]), Reason.MISSING_GEOMETRY, "not positive"),
        (
            changed(2, ImageOrientationPatient=[1.0, 0.0, 0.0, 1.0, 0.0, 0.0]),
            Reason.MISSING_GEOMETRY,
            "not two orthogonal unit vectors",
        ),
        (
            changed(2, FrameOfReferenceUID="1.2.3"),
            Reason.MIXED_FRAME_OF_REFERENCE,
            r"1 slices have 1\.2\.3: instance 3",
        ),
        (changed(2, Rows=7), Reason.MIXED_MATRIX, "5 slices have 6 x 5; 1 slices have 7 x 5: instance 3"),
        (
            changed(2, PixelSpacing=[1.2, 0.95]),
            Reason.MIXED_MATRIX,
            "1 of 6 slices differ in Pixel Spacing: instance 3",
        ),
        (
            changed(2, ImageOrientationPatient=[0.0, 1.0, 0.0, 0.0, 0.0, -1.0]),
            Reason.MIXED_ORIENTATION,
            "1 of 6 slices differ in Image Orientation",
        ),
        (shifted(2, (0, 0, 3.0)), Reason.DUPLICATE_POSITION, "1 of 6 slices .* instance 3 and instance 4"),
        (
            without(4),
            Reason.MISSING_SLICE,
            r"1 of 10 slices are missing.* 3\.000 mm .* 6\.000 mm apart, after instance 4",
        ),
        (without(4, 7), Reason.MISSING_SLICE, "2 of 10 .* after instance 4, instance 7"),
        (without(2, 3, 5, 6), Reason.MISSING_SLICE, "4 of 10"),
        (without(1, of=4), Reason.MISSING_SLICE, "1 of 4"),
        (shifted(3, (0, 0, 0.9)), Reason.UNEVEN_SPACING, r"from 2\.100 to 3\.900 mm, expected 3\.000"),
        (shifted(3, (0, 0, 0.9)), Reason.UNEVEN_SPACING, r"deviation is [+-]0\.900 mm after instance [34]$"),
        (shifted(3, (2.0, 0, 0)), Reason.UNEVEN_SPACING, r"instance 4 lies 2\.000 mm beside its place"),
        (drifting, Reason.UNEVEN_SPACING, "beside its place"),
    ],
)
def test_a_stack_that_is_no_volume_is_refused_by_name(
    headers: Callable[[], Headers], reason: Reason, said: str
) -> None:
    with pytest.raises(Refused, match=said) as refused:
        slice_geometry(headers())
    assert refused.value.reason is reason


def test_a_malformed_number_is_told() -> None:
    headers = headers_of(AXIAL, 3)
    headers[1].Rows = None
    with pytest.raises(Refused, match="instance 2 has no Rows"):
        slice_geometry(headers)


@pytest.mark.parametrize(
    ("headers", "missing"),
    [
        (without(), 0),
        (without(4), 1),
        (without(2, 3, 5, 6), 4),
        (lambda: without(4)() + without(4)(), 1),
        (without(of=1), None),
        (changed(2, ImagePositionPatient=None), None),
        (changed(2, ImageOrientationPatient=[0.0, 1.0, 0.0, 0.0, 0.0, -1.0]), None),
        (shifted(3, (0, 0, 0.9)), None),
        (lambda: headers_of(AXIAL, 1) * 3, None),
    ],
)
def test_missing_slices(headers: Callable[[], Headers], missing: int | None) -> None:
    assert missing_slices(series_of(headers())) == missing


@given(
    kept=st.sets(st.integers(0, 29), min_size=16),
    spacing=st.floats(0.4, 8),
    turn=st.floats(0, 90),
)
def test_as_many_slices_are_missing_as_were_left_out(kept: set[int], spacing: float, turn: float) -> None:
    affine: NDArray[np.float64] = rotated(np.diag([1.0, 1.0, spacing, 1.0]), turn, (1.0, 0.3, 0.0))
    headers = [slice_header(affine, index, 6, 5) for index in sorted(kept)]
    left_out = max(kept) - min(kept) + 1 - len(kept)
    series = series_of(headers)
    # More than half of 30 are there, so two neighbours are.
    assert missing_slices(series) == left_out
    assert slice_spacing(series) == pytest.approx(spacing, abs=1e-6)
