"""Resampling against functions whose values are known everywhere."""

import numpy as np
import numpy.typing as npt
import pytest
import torch

from operators.align.resample import antialias_sigmas, resample, resample_probabilities_to_labels

FloatArray = npt.NDArray[np.float64]


def rotation(axis: int, degrees: float) -> FloatArray:
    first, second = [other for other in range(3) if other != axis]
    matrix = np.eye(3)
    angle = np.radians(degrees)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[first, second], matrix[second, first] = -np.sin(angle), np.sin(angle)
    return matrix


def affine(spacing: tuple[float, float, float], origin: tuple[float, float, float], turn: FloatArray) -> FloatArray:
    """``spacing`` is (column, row, slice) in mm."""
    matrix = np.eye(4)
    matrix[:3, :3] = turn * np.array(spacing)
    matrix[:3, 3] = origin
    return matrix


def positions(matrix: FloatArray, shape: tuple[int, int, int]) -> FloatArray:
    """LPS of every voxel: (slice, row, column, 3)."""
    slices, rows, columns = np.meshgrid(*[np.arange(size) for size in shape], indexing="ij")
    return np.stack([columns, rows, slices], axis=-1) @ matrix[:3, :3].T + matrix[:3, 3]


def ramp(points: FloatArray) -> FloatArray:
    return np.asarray(100 + points @ np.array([1.0, -2.0, 0.5]))


def test_a_linear_function_is_kept_on_an_oblique_grid() -> None:
    source = affine((1.0, 1.2, 3.0), (-40, -50, -40), rotation(0, 12))
    target = affine((1.1, 0.9, 2.0), (-10, -12, -8), rotation(2, 20) @ rotation(1, -8))
    result = resample(ramp(positions(source, (30, 90, 80))), source, target, (8, 20, 20))
    np.testing.assert_allclose(result, ramp(positions(target, (8, 20, 20))), atol=1e-3)


def test_the_same_grid_gives_the_same_values() -> None:
    values = np.random.default_rng(0).normal(size=(7, 9, 11))
    grid = affine((0.7, 0.8, 3.0), (5, 6, 7), rotation(1, 30))
    np.testing.assert_allclose(resample(values, grid, grid, values.shape), values, atol=1e-4)


def test_channels_are_resampled_alike() -> None:
    values = np.random.default_rng(0).normal(size=(2, 7, 9, 11))
    source = affine((1, 1, 1), (0, 0, 0), np.eye(3))
    target = affine((1, 1, 1), (0.5, 0.5, 0.5), np.eye(3))
    result = resample(values, source, target, (5, 5, 5))
    assert result.shape == (2, 5, 5, 5)
    np.testing.assert_array_equal(result[1], resample(values[1], source, target, (5, 5, 5)))


def test_outside_is_zero() -> None:
    source = affine((1, 1, 1), (0, 0, 0), np.eye(3))
    target = affine((1, 1, 1), (-3, 0, 0), np.eye(3))
    result = resample(np.ones((4, 4, 4)), source, target, (4, 4, 8))
    np.testing.assert_array_equal(result[0, 0], [0, 0, 0, 1, 1, 1, 1, 0])


def test_thick_slices_are_the_average_of_thin_ones() -> None:
    stripes = np.zeros((30, 6, 6))
    stripes[::3] = 3.0  # one thin slice in three: its mean is 1, a sample of it 0 or 3
    source = affine((1, 1, 1), (0, 0, 0), np.eye(3))
    target = affine((1, 1, 3), (0, 0, 4), np.eye(3))
    result = resample(stripes, source, target, (7, 6, 6))
    np.testing.assert_allclose(result, 1.0, atol=0.25)


def test_a_rotation_alone_smooths_nothing() -> None:
    turn = np.eye(4)
    turn[:3, :3] = rotation(0, 33) @ rotation(2, 20)
    assert antialias_sigmas(turn) == pytest.approx((0, 0, 0), abs=1e-6)
    # A box three voxels long has a variance of 9/12; the source voxel itself brings 1/12.
    assert antialias_sigmas(np.diag([1.0, 1.0, 3.0, 1.0])) == pytest.approx((np.sqrt(8 / 12), 0, 0))


def test_nearest_keeps_labels() -> None:
    labels = np.random.default_rng(0).integers(0, 35, size=(6, 8, 8))
    source = affine((2, 2, 3), (0, 0, 0), np.eye(3))
    target = affine((1, 1, 1), (0, 0, 0), np.eye(3))
    result = resample(labels, source, target, (16, 15, 15), mode="nearest")
    assert set(np.unique(result)) <= set(np.unique(labels).astype(float))
    np.testing.assert_array_equal(result[::3, ::2, ::2], labels)


def test_probabilities_become_the_labels_of_the_interpolated_maximum() -> None:
    torch.manual_seed(0)
    # Smooth classes with a broad background, so that both the shortcut and the interpolation are at work.
    logits = torch.nn.functional.interpolate(torch.randn(1, 5, 4, 5, 5) * 4, size=(12, 20, 20), mode="trilinear")[0]
    logits[0] += 2.0
    probabilities = logits.softmax(0)
    source = affine((2, 2, 3), (-20, -20, -18), rotation(0, 10))
    target = affine((0.9, 1.1, 2.0), (-15, -14, -10), rotation(2, 15))
    shape = (9, 25, 31)
    values = resample(probabilities.numpy(), source, target, shape)
    # Upsampling smooths nothing, so plain resampling of all classes is the reference.
    inside = values.sum(axis=0) > 0.999
    labels = resample_probabilities_to_labels(probabilities, source, target, shape)
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels[inside], values.argmax(axis=0)[inside])
    assert not labels[values.sum(axis=0) == 0].any()
    assert len(np.unique(labels)) == 5


def test_a_volume_needs_three_or_four_axes() -> None:
    with pytest.raises(ValueError, match="3 axes"):
        resample(np.zeros((3, 3)), np.eye(4), np.eye(4), (3, 3, 3))
