"""Working grid, orientation, laterality and the way back."""

from itertools import permutations

import numpy as np
import numpy.typing as npt
import pytest
import torch

from apps.mr_white_matter_lesions.preprocess import (
    Grid,
    head_box,
    mask_to_grid,
    normalise,
    part_of,
    prepare,
    to_grid,
    to_native,
    working_grid,
)

FloatArray = npt.NDArray[np.float64]
SPACING = (4.0, 2.0, 2.4)


def head(points: FloatArray) -> FloatArray:
    """An ellipsoid with a bright ball at the patient's left, front and top."""
    inside = ((points / np.array([60.0, 75.0, 55.0])) ** 2).sum(axis=-1) < 1
    ball = ((points - np.array([30.0, -25.0, 20.0])) ** 2).sum(axis=-1) < 16.0**2
    return np.asarray(100.0 * inside + 150.0 * ball)


def positions(affine: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    slices, rows, columns = np.meshgrid(*[np.arange(size) for size in shape], indexing="ij")
    return np.stack([columns, rows, slices], axis=-1) @ affine[:3, :3].T + affine[:3, 3]


def acquisition(order: tuple[int, ...], signs: tuple[int, ...], tilt_degrees: float) -> tuple[FloatArray, FloatArray]:
    """A head acquired with column, row and slice along the patient axes of ``order``, forwards or backwards."""
    angle = np.radians(tilt_degrees)
    tilt = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    spacing, counts = (2.2, 2.4, 4.0), (75, 75, 45)
    affine = np.eye(4)
    for axis in range(3):
        affine[:3, axis] = tilt[:, order[axis]] * signs[axis] * spacing[axis]
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(counts) - 1) / 2)
    return head(positions(affine, counts[::-1])), affine


def ball_centre(volume: npt.NDArray[np.floating], affine: FloatArray) -> FloatArray:
    found = np.argwhere(volume > 0.5 * (volume.max() + np.median(volume[volume > volume.mean()])))
    return np.asarray(affine[:3, :3] @ found.mean(axis=0)[::-1] + affine[:3, 3])


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, 1), (1, -1, -1), (-1, -1, -1)])
def test_every_acquisition_is_shown_alike_and_left_stays_left(order: tuple[int, ...], signs: tuple[int, ...]) -> None:
    array, affine = acquisition(order, signs, tilt_degrees=9.0)
    prepared = prepare([(array, affine)], SPACING)
    directions = prepared.grid.affine[:3, :3] / np.linalg.norm(prepared.grid.affine[:3, :3], axis=0)
    # Columns run to the left, rows to the back, slices to the top.
    assert (np.diag(directions) > 0.9).all()
    assert np.linalg.norm(prepared.grid.affine[:3, :3], axis=0) == pytest.approx([2.4, 2.0, 4.0])
    np.testing.assert_allclose(ball_centre(prepared.array[0], prepared.grid.affine), [30, -25, 20], atol=1.5)
    slices, rows, columns = prepared.grid.shape
    where = np.argwhere(prepared.array[0] > 0.8 * prepared.array[0].max()).mean(axis=0)
    assert where[2] > columns / 2
    assert where[1] < rows / 2
    assert where[0] > slices / 2


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_label_comes_back_to_where_it_was_acquired(order: tuple[int, ...]) -> None:
    for signs in ((1, 1, 1), (-1, 1, -1)):
        array, affine = acquisition(order, signs, tilt_degrees=-7.0)
        truth = (array > 200).astype(np.uint8)
        grid = prepare([(array, affine)], SPACING).grid
        labels = torch.from_numpy(mask_to_grid(truth, affine, grid).astype(np.int64))
        probabilities = torch.nn.functional.one_hot(labels, 2).movedim(-1, 0).float()
        back = to_native(probabilities, grid, Grid(truth.shape, affine))
        assert back.shape == truth.shape
        assert 2 * (back & truth).sum() / (back.sum() + truth.sum()) > 0.9


def test_an_acquisition_on_the_working_spacing_is_not_interpolated() -> None:
    affine = np.diag([2.4, 2.0, 4.0, 1.0])
    affine[:3, 3] = [-30, -40, -50]
    grid = working_grid((20, 80, 50), affine, SPACING)
    assert grid.shape == (20, 80, 50)
    np.testing.assert_allclose(grid.affine, affine)


def test_both_channels_share_the_reference_grid() -> None:
    flair, flair_affine = acquisition((0, 1, 2), (1, 1, 1), 10.0)
    t1, t1_affine = acquisition((1, 2, 0), (1, -1, 1), 0.0)
    prepared = prepare([(flair, flair_affine), (t1, t1_affine)], SPACING)
    assert prepared.array.shape == (2, *prepared.grid.shape)
    assert np.corrcoef(prepared.array[0].ravel(), prepared.array[1].ravel())[0, 1] > 0.95


def test_the_empty_field_of_view_is_cut_away() -> None:
    array, affine = acquisition((0, 1, 2), (1, 1, 1), 0.0)
    noisy = (array + np.random.default_rng(0).uniform(0, 8, array.shape)).astype(np.float32)
    whole = Grid(array.shape, affine)
    grid = part_of(whole, head_box(noisy, whole))
    extent = np.array(grid.shape) * np.array([4.0, 2.4, 2.2])
    # The head and a margin of 6 mm on every side, rounded up to voxels.
    assert (extent >= np.array([110, 150, 120])).all()
    assert (extent <= np.array([110, 150, 120]) + 2 * 6 + 4 * 4.0).all()


def test_intensities_have_no_units() -> None:
    array, _ = acquisition((0, 1, 2), (1, 1, 1), 0.0)
    array = array + np.random.default_rng(0).normal(0, 3, array.shape).clip(0)
    volume = array.astype(np.float32)
    np.testing.assert_allclose(normalise(volume), normalise(volume * 37), atol=1e-3)
    inside = normalise(volume)[volume > 50]
    assert inside.mean() == pytest.approx(0, abs=1e-3)
    assert inside.std() == pytest.approx(1, abs=1e-3)


def test_few_bright_voxels_keep_their_contrast_below_the_ceiling() -> None:
    volume = np.full((10, 20, 20), 100, dtype=np.float32)
    volume[::2] = 60
    volume[4, 4, 4:7] = 190  # less than a hundredth of the head
    assert normalise(volume).max() == pytest.approx(1.0, abs=0.01)
    assert normalise(volume, intensity_ceiling=2.0).max() == pytest.approx((190 - 80) / 20, abs=0.05)
    assert normalise(volume * 10, intensity_ceiling=1.5).max() == pytest.approx((150 - 80) / 20, abs=0.05)


def test_an_empty_volume_becomes_zero() -> None:
    prepared = prepare([(np.zeros((10, 12, 14)), np.diag([2.4, 2.0, 4.0, 1.0]))], SPACING)
    assert prepared.grid.shape == (10, 12, 14)
    assert not prepared.array.any()


def test_region_labels_stay_whole_numbers() -> None:
    labels = np.random.default_rng(0).integers(0, 35, size=(10, 20, 20)).astype(np.uint8)
    affine = np.diag([1.2, 1.0, 3.0, 1.0])
    grid = working_grid(labels.shape, affine, (3.0, 1.0, 1.2))
    np.testing.assert_array_equal(to_grid(labels, affine, grid), labels)
