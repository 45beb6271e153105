"""Masks → closed surfaces in patient coordinates, and their STL file."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.measure import marching_cubes


def surface(mask: NDArray[np.bool_], affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the surface of a mask as triangles, (triangle, corner, 3) in LPS mm.

    ``mask`` is (slice, row, column), ``affine`` maps (column, row, slice, 1) to LPS mm. The surface is closed, also
    where the mask reaches the edge of the grid, and runs half way between the centres of voxels inside and outside, so
    its bounding box is that of the voxels; it cuts their corners, so thin structures lose volume. Seen from outside the
    corners run counter-clockwise: the right-handed normal points outwards.

    Raises :class:`ValueError` for an empty mask, which has no surface.
    """
    if mask.ndim != 3 or mask.dtype != np.bool_:
        raise ValueError(f"a mask is (slice, row, column) of bool, not {mask.shape} of {mask.dtype}")
    occupied = np.argwhere(mask)
    if not len(occupied):
        raise ValueError("an empty mask has no surface")
    first, last = occupied.min(axis=0), occupied.max(axis=0) + 1
    # Only what is marked, with a border of background that closes the surface.
    inside = np.pad(mask[tuple(slice(a, b) for a, b in zip(first, last, strict=True))], 1)
    points, corners, _, _ = marching_cubes(inside.astype(np.float32), 0.5, allow_degenerate=False)
    indices = (points.astype(np.float64) + first - 1)[:, ::-1]
    triangles = (indices @ affine[:3, :3].T + affine[:3, 3])[corners]
    # Axes that form a left-handed system turn every triangle round.
    return triangles if enclosed_volume(triangles) > 0 else triangles[:, ::-1]


def enclosed_volume(triangles: NDArray[np.float64]) -> float:
    """Return the volume within a closed surface in mm³: below 0 where its normals point inwards."""
    # From a corner of the surface, as the sum would lose digits far from the origin.
    a, b, c = np.moveaxis(triangles - triangles[0, 0], 1, 0)
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def stl_file(triangles: NDArray[np.float64]) -> bytes:
    """Return triangles as a binary STL file: per triangle its unit normal and corners as float32, little endian."""
    a, b, c = np.moveaxis(triangles, 1, 0)
    normals = np.cross(b - a, c - a)
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    facets = np.zeros(len(triangles), dtype=_FACET)
    facets["normal"] = np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)
    facets["corners"] = triangles
    # Not "solid", with which the text form of STL begins.
    header = b"Binary STL, patient coordinates: left, posterior, head; millimetres".ljust(80, b"\0")
    return header + len(facets).to_bytes(4, "little") + facets.tobytes()


_FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attributes", "<u2")])
