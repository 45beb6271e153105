"""Resampling a volume onto another grid of the same patient space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

Affine = npt.NDArray[np.float64]
Mode = Literal["linear", "nearest"]

# Output slices sampled at once: bounds the memory of the coordinate grid (12 bytes a voxel).
_SLAB_VOXELS = 8_000_000


def resample(
    array: npt.NDArray[np.generic],
    affine: Affine,
    to_affine: Affine,
    to_shape: Sequence[int],
    *,
    mode: Mode = "linear",
    device: str | torch.device = "cpu",
) -> npt.NDArray[np.float32]:
    """Values of a volume at the voxel centres of another grid, as float32; zero outside the volume.

    ``array`` is (slice, row, column) or (channel, slice, row, column); ``to_shape`` is (slice, row, column); both
    affines are 4 x 4 and map (column, row, slice, 1) to LPS in mm. With ``mode="linear"`` an axis that becomes coarser
    is smoothed first (see :func:`antialias_sigmas`), so that a 3 mm slice made from 1 mm slices is their average, not
    a sample of one. ``mode="nearest"`` keeps labels as they are.
    """
    source = as_channels(torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))).to(device)
    matrix = np.linalg.inv(affine) @ to_affine
    if mode == "linear":
        source = _smooth(source, antialias_sigmas(matrix))
    slices = max(1, _SLAB_VOXELS // max(1, int(to_shape[1]) * int(to_shape[2])))
    parts = [
        _sample(source, matrix, range(first, min(first + slices, int(to_shape[0]))), to_shape, mode).cpu()
        for first in range(0, int(to_shape[0]), slices)
    ]
    result = torch.cat(parts, dim=1).numpy()
    return result if array.ndim == 4 else result[0]


def resample_probabilities_to_labels(
    probabilities: torch.Tensor,
    affine: Affine,
    to_affine: Affine,
    to_shape: Sequence[int],
) -> npt.NDArray[np.uint8]:
    """Label map on another grid: class probabilities are interpolated linearly, then the largest wins.

    ``probabilities`` is (class, slice, row, column), class 0 the background; outside their grid everything is
    background. Exact, but not wasteful: where all neighbours hold a background probability above one half, so does
    the interpolated value, and the other classes need not be sampled.
    """
    matrix = np.linalg.inv(affine) @ to_affine
    source = probabilities.float()
    near = functional.max_pool3d((source[:1] <= 0.5).float()[None], 3, stride=1, padding=1)[0]
    labels = np.zeros(tuple(int(n) for n in to_shape), dtype=np.uint8)
    size = torch.tensor(source.shape[1:], device=source.device)
    slices = max(1, _SLAB_VOXELS // max(1, int(to_shape[1]) * int(to_shape[2])))
    for first in range(0, int(to_shape[0]), slices):
        slab = range(first, min(first + slices, int(to_shape[0])))
        indices = _source_indices(matrix, slab, to_shape, source.device)
        candidate = _grid_sample(near, indices, "nearest")[0] > 0.5
        inside = ((indices >= -0.5) & (indices <= size.flip(0) - 0.5)).all(dim=-1)
        points = indices[candidate & inside]
        if len(points) == 0:
            continue
        values = _grid_sample(source, points[None, None], "linear", padding="border")[:, 0, 0]
        part = np.zeros(tuple(candidate.shape), dtype=np.uint8)
        part[(candidate & inside).cpu().numpy()] = values.argmax(dim=0).to(torch.uint8).cpu().numpy()
        labels[slab.start : slab.stop] = part
    return labels


def antialias_sigmas(matrix: Affine) -> tuple[float, float, float]:
    """Gaussian widths in source voxels, in (slice, row, column) order, that keep resampling free of aliasing.

    ``matrix`` maps output voxel indices to source voxel indices. The output voxel is a box whose variance along source
    axis i is sum_j M_ij^2 / 12; the source voxel already contributes 1 / 12; the Gaussian supplies the difference.
    A rotation without change of scale therefore smooths nothing.
    """
    variance = np.maximum(0.0, (matrix[:3, :3] ** 2).sum(axis=1) - 1.0) / 12.0
    column, row, slice_ = np.sqrt(variance)
    return float(slice_), float(row), float(column)


def as_channels(volume: torch.Tensor) -> torch.Tensor:
    """(slice, row, column) becomes (1, slice, row, column); four axes stay as they are."""
    if volume.ndim not in (3, 4):
        raise ValueError(f"a volume has 3 axes, or 4 with channels, not {volume.ndim}")
    return volume if volume.ndim == 4 else volume[None]


def _smooth(volume: torch.Tensor, sigmas: Sequence[float]) -> torch.Tensor:
    for axis, sigma in enumerate(sigmas, start=1):
        # Below a tenth of a voxel the kernel is a unit impulse; rounding in an affine must not blur a volume.
        if sigma < 0.1:
            continue
        radius = max(1, int(np.ceil(3 * sigma)))
        weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
        weights /= weights.sum()
        length = volume.shape[axis]
        edges = [volume.narrow(axis, index, 1).repeat_interleave(radius, dim=axis) for index in (0, length - 1)]
        padded = torch.cat([edges[0], volume, edges[1]], dim=axis)
        # A sum of shifted copies: torch's convolution of a single channel is ten times slower on a CPU.
        volume = weights[0] * padded.narrow(axis, 0, length)
        for shift, weight in enumerate(weights[1:], start=1):
            volume.add_(padded.narrow(axis, shift, length), alpha=float(weight))
    return volume


def _source_indices(matrix: Affine, slab: range, to_shape: Sequence[int], device: torch.device) -> torch.Tensor:
    """Source (column, row, slice) indices of every output voxel of the slab: (slices, rows, columns, 3), float32."""
    linear = torch.tensor(matrix[:3, :3].T, dtype=torch.float32, device=device)
    offset = torch.tensor(matrix[:3, 3], dtype=torch.float32, device=device)
    column = torch.arange(int(to_shape[2]), dtype=torch.float32, device=device)[None, None, :, None] * linear[0]
    row = torch.arange(int(to_shape[1]), dtype=torch.float32, device=device)[None, :, None, None] * linear[1]
    slice_ = torch.arange(slab.start, slab.stop, dtype=torch.float32, device=device)[:, None, None, None] * linear[2]
    return slice_ + row + column + offset


def _grid_sample(source: torch.Tensor, indices: torch.Tensor, mode: Mode, padding: str = "zeros") -> torch.Tensor:
    size = torch.tensor(source.shape[1:], dtype=torch.float32, device=source.device).flip(0)
    grid = (2 * indices + 1) / size - 1
    return functional.grid_sample(
        source[None],
        grid[None],
        mode="bilinear" if mode == "linear" else "nearest",
        padding_mode=padding,
        align_corners=False,
    )[0]


def _sample(source: torch.Tensor, matrix: Affine, slab: range, to_shape: Sequence[int], mode: Mode) -> torch.Tensor:
    indices = _source_indices(matrix, slab, to_shape, source.device)
    size = torch.tensor(source.shape[1:], device=source.device).flip(0)
    # Values at the rim are extended to the edge of the outermost voxels, and nothing lies beyond them.
    inside = ((indices >= -0.5001) & (indices <= size - 0.4999)).all(dim=-1)
    return _grid_sample(source, indices, mode, padding="border") * inside
