"""Sampling the head on an acquisition grid."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from phantoms.mr_brain.deformation import Deformation
from phantoms.mr_brain.head import Head
from phantoms.mr_brain.upsample import hat_weights

# Distance of the nodes at which the deformation is evaluated exactly; between them it is linear.
NODE_DISTANCE_MM = 6.0


def lps(
    affine: NDArray[np.float64], slices: NDArray[np.float64], rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> NDArray[np.float64]:
    """LPS mm (..., 3) of index arrays that broadcast together."""
    return (
        np.asarray(columns)[..., None] * affine[:3, 0]
        + np.asarray(rows)[..., None] * affine[:3, 1]
        + np.asarray(slices)[..., None] * affine[:3, 2]
        + affine[:3, 3]
    )


def head_indices(
    head: Head, deformation: Deformation, affine: NDArray[np.float64], shape: tuple[int, int, int], subslices: int
) -> Iterator[NDArray[np.float32]]:
    """Head voxel indices (z, y, x) of each plane of a grid whose slices are cut into `subslices` planes.

    Yields (3, rows, columns) for every plane in slice order. The map from grid to head is smooth, so it is evaluated at
    nodes some millimetres apart and interpolated.
    """
    spacing = np.linalg.norm(affine[:3, :3], axis=0)[::-1]
    nodes = [
        max(2, int(np.ceil((count - 1) * step / NODE_DISTANCE_MM)) + 1)
        for count, step in zip(shape, spacing, strict=True)
    ]
    # Planes lie within the slices: the first one half a slice thickness less half a plane below the slice's centre.
    margin = 0.5 - 0.5 / subslices
    slices = np.linspace(-margin, shape[0] - 1 + margin, nodes[0])
    rows, columns = np.linspace(0, shape[1] - 1, nodes[1]), np.linspace(0, shape[2] - 1, nodes[2])
    points = lps(affine, slices[:, None, None], rows[None, :, None], columns[None, None, :])
    coarse = head.indices(deformation.to_template(points)).astype(np.float32)
    along_rows, along_columns = hat_weights(shape[1], nodes[1]), hat_weights(shape[2], nodes[2])
    planes = np.stack([along_rows @ (axis @ along_columns.T) for axis in coarse], axis=1)
    position = np.linspace(0, nodes[0] - 1, shape[0] * subslices)
    for below, fraction in zip(np.minimum(position.astype(int), nodes[0] - 2), position, strict=True):
        weight = np.float32(fraction - below)
        yield (1 - weight) * planes[below] + weight * planes[below + 1]


def sample(
    head: Head,
    signal: NDArray[np.float32],
    deformation: Deformation,
    affine: NDArray[np.float64],
    shape: tuple[int, int, int],
    subslices: int,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Signal averaged over the slice profile, and region labels at voxel centres, both of `shape`.

    `subslices` must be odd, so that one plane runs through the voxel centres.
    """
    image = np.zeros(shape, np.float32)
    regions = np.zeros(shape, np.uint8)
    limits = np.array(head.regions.shape)[:, None, None] - 1
    for plane, indices in enumerate(head_indices(head, deformation, affine, shape, subslices)):
        index = plane // subslices
        image[index] += ndimage.map_coordinates(signal, indices, order=1, output=np.float32)
        if plane % subslices == subslices // 2:
            nearest = np.rint(indices).astype(np.int64)
            inside = ((nearest >= 0) & (nearest <= limits)).all(0)
            z, y, x = np.clip(nearest, 0, limits)
            regions[index] = np.where(inside, head.regions[z, y, x], 0)
    return image / np.float32(subslices), regions
