"""The small head: analytic shapes that need no template, for fast tests."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from phantoms.mr_brain.head import MARGIN, Head, build_head
from phantoms.mr_brain.regions import load_region_table

SPACING = 2.0
# LPS mm; the centre of the ellipsoid is where the brain of the MNI template has it.
BRAIN_CENTRE = np.array([0.0, 16.0, 10.0])
BRAIN_SEMI_AXES = np.array([68.0, 84.0, 62.0])
CORTEX = 4.0
VENTRICLE_SEMI_AXES = np.array([8.0, 32.0, 11.0])
VENTRICLE_CENTRES = np.array([[14.0, 8.0, 12.0], [-14.0, 8.0, 12.0]])


@lru_cache(maxsize=1)
def analytic_head() -> Head:
    """An ellipsoid brain with a cortical ribbon of 4 mm, two lateral ventricles, and white matter elsewhere."""
    reach = BRAIN_SEMI_AXES + MARGIN
    first, last = np.floor((BRAIN_CENTRE - reach) / SPACING), np.ceil((BRAIN_CENTRE + reach) / SPACING)
    x, y, z = (np.arange(low, high + 1) * SPACING for low, high in zip(first, last, strict=True))
    points = np.stack(np.meshgrid(z, y, x, indexing="ij")[::-1], axis=-1)

    brain = _ellipsoid(points, BRAIN_CENTRE, BRAIN_SEMI_AXES)
    core = _ellipsoid(points, BRAIN_CENTRE, BRAIN_SEMI_AXES - CORTEX)
    ventricles = np.maximum.reduce([_ellipsoid(points, centre, VENTRICLE_SEMI_AXES) for centre in VENTRICLE_CENTRES])
    fractions = {"csf": ventricles, "grey": brain - core, "white": core - ventricles}
    return build_head(fractions, np.zeros(brain.shape, np.int8), first * SPACING, SPACING, load_region_table())


def _ellipsoid(
    points: NDArray[np.float64], centre: NDArray[np.float64], semi_axes: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Fraction of each voxel inside an ellipsoid, from the first-order signed distance to its surface."""
    offset = points - centre
    level = np.sqrt(((offset / semi_axes) ** 2).sum(-1))
    gradient = np.sqrt(((offset / semi_axes**2) ** 2).sum(-1)) + 1e-9
    return np.clip(0.5 - (level - 1) * level / gradient / SPACING, 0, 1).astype(np.float32)
