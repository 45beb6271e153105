"""From a scan to what a network sees, and back: working grid, orientation, intensities.

Networks always see the same orientation: slices from inferior to superior, rows from anterior to posterior, columns
from the patient's right to left (all three axes run towards +LPS, or towards the superior for slices). Whatever the
order or plane of the acquisition, its axes are permuted and reversed, never mirrored, so laterality survives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import numpy.typing as npt
import torch

from operators.align.resample import Affine, resample, resample_probabilities_to_labels

Array = npt.NDArray[np.float32]

# Voxels kept around the head when the empty field of view is cut away.
_MARGIN_MM = 6.0


@dataclass(frozen=True)
class Grid:
    """A grid in patient space: ``shape`` (slice, row, column) and affine (column, row, slice, 1) to LPS in mm."""

    shape: tuple[int, int, int]
    affine: Affine


@dataclass(frozen=True)
class Prepared:
    """Network input: ``array`` (channel, slice, row, column), z-scored, on ``grid``."""

    array: Array
    grid: Grid


def working_grid(shape: Sequence[int], affine: Affine, spacing: Sequence[float]) -> Grid:
    """Axial grid of the given (slice, row, column) spacing in mm that follows the axes of the acquisition.

    The acquisition's axis nearest to the patient's superior direction becomes the slice axis, and so on, so a
    sagittal 3-D scan becomes axial and a tilted axial scan keeps its tilt and its slices. Both fields of view share
    their centre: where spacing and plane agree already, the grid holds exactly the acquired voxel centres.
    """
    steps = affine[:3, :3]  # columns: LPS step of a column, a row, a slice index
    lengths = np.linalg.norm(steps, axis=0)
    directions = steps / lengths
    counts = np.array([shape[2], shape[1], shape[0]])
    # order[i] is the acquired axis that runs along patient axis i (left, posterior, superior).
    order = max(permutations(range(3)), key=lambda axes: sum(abs(directions[i, axis]) for i, axis in enumerate(axes)))
    new_steps = np.empty((3, 3))
    new_counts = np.empty(3, dtype=int)
    for i, (axis, size) in enumerate(zip(order, (spacing[2], spacing[1], spacing[0]), strict=True)):
        sign = 1.0 if directions[i, axis] >= 0 else -1.0
        new_steps[:, i] = sign * directions[:, axis] * size
        new_counts[i] = max(1, round(counts[axis] * lengths[axis] / size))
    centre = affine[:3, 3] + steps @ ((counts - 1) / 2)
    new = np.eye(4)
    new[:3, :3] = new_steps
    new[:3, 3] = centre - new_steps @ ((new_counts - 1) / 2)
    return Grid((int(new_counts[2]), int(new_counts[1]), int(new_counts[0])), new)


def head_mask(volume: Array) -> npt.NDArray[np.bool_]:
    """Voxels that hold signal: above a fifth of the 99th percentile of the non-zero voxels."""
    values = volume[volume > 0]
    if values.size == 0:
        return np.zeros(volume.shape, dtype=bool)
    return np.asarray(volume > 0.2 * np.percentile(values, 99))


def normalise(volume: Array, intensity_ceiling: float = 1.0) -> Array:
    """Subtract the head's mean and divide by its standard deviation, both of values clipped at the 99th percentile.

    The result itself is clipped at ``intensity_ceiling`` times that percentile. With 1 (the usual recipe) lesions that
    fill less than a hundredth of the head become as dark as the brightest grey matter: of simulated FLAIRs with less
    than 2 mL, 95 % of the lesion voxels lost their contrast. Networks that look for lesions therefore use 2. A volume
    without signal becomes zero everywhere.
    """
    mask = head_mask(volume)
    if not mask.any():
        return np.zeros(volume.shape, dtype=np.float32)
    bright = float(np.percentile(volume[mask], 99))
    values = np.minimum(volume[mask], bright)
    limited = np.clip(volume, 0.0, intensity_ceiling * bright)
    return np.asarray((limited - values.mean()) / max(float(values.std()), 1e-6), dtype=np.float32)


def head_box(volume: Array, grid: Grid) -> tuple[slice, slice, slice]:
    """The (slice, row, column) box of a grid that holds the head, with a margin; all of it where there is no signal.

    Of every axis at least one voxel in two hundred of a plane must hold signal, so that noise does not count.
    """
    mask = head_mask(volume)
    box = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        found = np.flatnonzero(mask.mean(axis=others) > 0.005)
        if len(found) == 0:
            return slice(0, grid.shape[0]), slice(0, grid.shape[1]), slice(0, grid.shape[2])
        margin = int(np.ceil(_MARGIN_MM / np.linalg.norm(grid.affine[:3, 2 - axis])))
        box.append(slice(max(0, int(found[0]) - margin), min(mask.shape[axis], int(found[-1]) + 1 + margin)))
    return box[0], box[1], box[2]


def part_of(grid: Grid, box: tuple[slice, slice, slice]) -> Grid:
    """The grid of a box of voxels."""
    affine = grid.affine.copy()
    affine[:3, 3] += grid.affine[:3, :3] @ np.array([box[2].start, box[1].start, box[0].start], dtype=float)
    slices, rows, columns = (side.stop - side.start for side in box)
    return Grid((slices, rows, columns), affine)


def prepare(
    volumes: Sequence[tuple[npt.NDArray[np.generic], Affine]],
    spacing: Sequence[float],
    *,
    intensity_ceiling: float = 1.0,
    device: str | torch.device = "cpu",
) -> Prepared:
    """Volumes of one patient space as the channels of one network input.

    The first volume is the reference: its axes give the working grid and its head the crop. ``volumes`` holds
    (array (slice, row, column), affine) pairs; each is resampled once, straight to the grid, and normalised by itself
    (see :func:`normalise`).
    """
    reference, reference_affine = volumes[0]
    whole = working_grid(reference.shape, reference_affine, spacing)
    first = resample(reference, reference_affine, whole.affine, whole.shape, device=device)
    box = head_box(first, whole)
    grid = part_of(whole, box)
    channels = [first[box]]
    channels += [resample(array, affine, grid.affine, grid.shape, device=device) for array, affine in volumes[1:]]
    return Prepared(np.stack([normalise(channel, intensity_ceiling) for channel in channels]), grid)


def to_grid(labels: npt.NDArray[np.generic], affine: Affine, grid: Grid) -> npt.NDArray[np.uint8]:
    """A label map on a grid, nearest neighbour (region labels of training cases)."""
    return resample(labels, affine, grid.affine, grid.shape, mode="nearest").astype(np.uint8)


def mask_to_grid(mask: npt.NDArray[np.generic], affine: Affine, grid: Grid) -> npt.NDArray[np.uint8]:
    """A binary mask on a grid: voxels at least half covered (lesion masks of training cases)."""
    return (resample(mask, affine, grid.affine, grid.shape) >= 0.5).astype(np.uint8)


def to_native(probabilities: torch.Tensor, grid: Grid, native: Grid) -> npt.NDArray[np.uint8]:
    """Class probabilities (class, slice, row, column) on the working grid as a label map on the acquired grid."""
    return resample_probabilities_to_labels(probabilities, grid.affine, native.affine, native.shape)
