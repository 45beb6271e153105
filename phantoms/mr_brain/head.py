"""The undeformed head: tissue maps, white-matter regions and where lesions like to be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from phantoms.mr_brain.regions import RegionTable, label_white_matter
from phantoms.mr_brain.upsample import upsample

TISSUES = ("csf", "grey", "white", "skull", "muscle", "fat")

# Depth in mm outside the brain at which fluid and skull end, and thickness of the soft tissue over the head's hull.
FLUID_DEPTH, SKULL_DEPTH, SCALP_DEPTH = 3.0, 9.0, 15.0
FAT_THICKNESS = 5.0
# Closing of the brain's surface: dura bridges sulci and the gap below the temporal lobes, the outline also the neck.
DURA_CLOSING, HULL_CLOSING = 12.0, 50.0
# Room in mm that a head needs around the brain.
MARGIN = 20.0


@dataclass(frozen=True)
class Head:
    """A head on an isotropic grid along the LPS axes, arrays in the order (z, y, x).

    `origin` is the LPS position in mm of voxel (0, 0, 0) as (x, y, z), `spacing` the voxel edge in mm. `tissues` maps
    each name of TISSUES to fractions 0..255; `texture` is the signal of the T1 template beyond what its tissue explains
    (white matter = 100). `regions` are labels 0..34. `candidates` for lesions are flat voxel indices and
    `cumulative` the probability up to and with each; `horn_tips` (n, 3) are the ends of the lateral ventricles, LPS mm.
    """

    origin: NDArray[np.float64]
    spacing: float
    tissues: dict[str, NDArray[np.uint8]]
    texture: NDArray[np.int8]
    regions: NDArray[np.uint8]
    candidates: NDArray[np.int64]
    cumulative: NDArray[np.float64]
    horn_tips: NDArray[np.float64]

    def positions(self, flat_indices: NDArray[np.int64]) -> NDArray[np.float64]:
        """LPS mm (n, 3) of flat voxel indices."""
        z, y, x = np.unravel_index(flat_indices, self.regions.shape)
        return self.origin + self.spacing * np.stack([x, y, z], axis=-1)

    def indices(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Continuous (z, y, x) voxel indices (3, ...) of LPS points (..., 3)."""
        return np.moveaxis((points - self.origin) / self.spacing, -1, 0)[::-1]

    def thickest_point(self, region: int) -> NDArray[np.float64]:
        """LPS mm (3,) of the voxel of a region that lies farthest from its surface."""
        mask = self.regions == region
        if not mask.any():
            raise ValueError(f"this head has no region {region}")
        box = _bounding_box(mask)
        depth = ndimage.distance_transform_edt(np.pad(mask[box], 1))
        z, y, x = np.unravel_index(depth.argmax(), depth.shape)
        padded = np.array([axis.start - 1 for axis in box[::-1]])
        return np.asarray(self.origin + self.spacing * (padded + np.array([x, y, z])))


def build_head(
    brain_fractions: dict[str, NDArray[np.float32]],
    texture: NDArray[np.int8],
    origin: NDArray[np.float64],
    spacing: float,
    table: RegionTable,
) -> Head:
    """Complete a brain to a head.

    `brain_fractions` has csf, grey and white in 0..1, summing to 1 inside the brain and 0 outside, with room for the
    outer shells at the border of the grid. Fluid, skull, muscle and fat are added around it.
    """
    covered = brain_fractions["csf"] + brain_fractions["grey"] + brain_fractions["white"]
    brain = np.asarray(covered > 0.5)
    regions = np.zeros(brain.shape, np.uint8)
    white = np.flatnonzero(brain_fractions["white"] > 0.5)
    z, y, x = np.unravel_index(white, brain.shape)
    regions.flat[white] = label_white_matter(origin + spacing * np.stack([x, y, z], axis=-1), table)

    depth, height, hull_height = _surface_distances(brain, spacing)
    fractions = dict(brain_fractions)
    empty = 1 - covered
    fluid, skull = (_soft_step(limit - height, spacing) for limit in (FLUID_DEPTH, SKULL_DEPTH))
    outline = _soft_step(SCALP_DEPTH - hull_height, spacing)
    beneath_fat = _soft_step(SCALP_DEPTH - FAT_THICKNESS - hull_height, spacing)
    fractions["csf"] = fractions["csf"] + empty * fluid
    fractions["skull"] = empty * (skull - fluid)
    fractions["muscle"] = empty * (1 - skull) * beneath_fat
    fractions["fat"] = empty * (1 - skull) * (outline - beneath_fat)

    ventricles = _lateral_ventricles(brain_fractions["csf"], depth, origin, spacing)
    candidates, cumulative = _lesion_probability(regions, ventricles, spacing)
    return Head(
        origin=origin,
        spacing=spacing,
        tissues={name: np.rint(255 * np.clip(fractions[name], 0, 1)).astype(np.uint8) for name in TISSUES},
        texture=texture,
        regions=regions,
        candidates=candidates,
        cumulative=cumulative,
        horn_tips=_horn_tips(ventricles, origin, spacing),
    )


def _surface_distances(
    brain: NDArray[np.bool_], spacing: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Depth below the dura, height above it and height above the head's hull, each in mm and 0 on the other side.

    Computed on every second voxel, since the surfaces are smooth.
    """
    shape = brain.shape
    room = int(np.ceil(HULL_CLOSING / spacing / 2))
    # An odd count of voxels, so that the first and the last are on the coarse grid too.
    coarse = np.pad(brain, [(0, 1 - count % 2) for count in shape])[::2, ::2, ::2]
    coarse = np.pad(coarse, room)
    step = 2 * spacing

    def closed(radius: float) -> NDArray[np.bool_]:
        grown = ndimage.distance_transform_edt(~coarse, sampling=step) <= radius
        return np.asarray(coarse | (ndimage.distance_transform_edt(grown, sampling=step) > radius))

    def fine(distance: NDArray[np.float64]) -> NDArray[np.float32]:
        inner = distance[room:-room, room:-room, room:-room]
        full = upsample(inner, (2 * inner.shape[0] - 1, 2 * inner.shape[1] - 1, 2 * inner.shape[2] - 1))
        return full[: shape[0], : shape[1], : shape[2]]

    dura, hull = closed(DURA_CLOSING), closed(HULL_CLOSING)
    return (
        fine(ndimage.distance_transform_edt(dura, sampling=step)),
        fine(ndimage.distance_transform_edt(~dura, sampling=step)),
        fine(ndimage.distance_transform_edt(~hull, sampling=step)),
    )


def _soft_step(distance: NDArray[np.float32], spacing: float) -> NDArray[np.float32]:
    """Fraction of a voxel on the positive side of a surface at `distance` mm, a ramp one voxel wide."""
    return np.clip(distance / spacing + 0.5, 0, 1).astype(np.float32)


def _lateral_ventricles(
    csf: NDArray[np.float32], depth: NDArray[np.float32], origin: NDArray[np.float64], spacing: float
) -> NDArray[np.bool_]:
    """Deep fluid above the midbrain: at least 25 mm below the surface and above MNI z = -2 mm."""
    ventricles = (csf > 0.5) & (depth > 25)
    above = max(0, int(np.ceil((-2 - origin[2]) / spacing)))
    ventricles[:above] = False
    labelled, count = ndimage.label(ventricles)
    sizes = np.bincount(labelled.ravel(), minlength=count + 1)[1:]
    return np.isin(labelled, 1 + np.flatnonzero(sizes * spacing**3 > 1000))


def _lesion_probability(
    regions: NDArray[np.uint8], ventricles: NDArray[np.bool_], spacing: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Lesions of small-vessel disease gather at the ventricles, then in deep white matter (Fazekas 1987)."""
    candidates = np.flatnonzero(regions)
    box = _bounding_box(regions > 0)
    white = regions[box] > 0
    distance = ndimage.distance_transform_edt(~ventricles[box], sampling=spacing)[white]
    depth = ndimage.distance_transform_edt(white, sampling=spacing)[white]
    cumulative = np.cumsum(np.exp(-distance / 5) + 0.03 * np.minimum(depth / 4, 1) ** 2)
    return candidates, cumulative / cumulative[-1]


def _bounding_box(mask: NDArray[np.bool_]) -> tuple[slice, ...]:
    """Slices of the smallest box around a mask."""
    axes = (np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis))) for axis in range(3))
    return tuple(slice(int(inside[0]), int(inside[-1]) + 1) for inside in axes)


def _horn_tips(ventricles: NDArray[np.bool_], origin: NDArray[np.float64], spacing: float) -> NDArray[np.float64]:
    """Front and back end of the ventricle of each side, LPS mm."""
    z, y, x = np.nonzero(ventricles)
    points = origin + spacing * np.stack([x, y, z], axis=-1)
    tips = []
    for side in (1, -1):
        on_side = points[points[:, 0] * side > 3]
        tips += [on_side[on_side[:, 1].argmin()], on_side[on_side[:, 1].argmax()]]
    return np.stack(tips)
