"""A random head shape: an affine map and a smooth diffeomorphism between patient and template."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

# Coarse grid that carries the displacement: nodes every 8 mm from -136 to 136 mm around the head's centre.
NODE_SPACING = 8.0
NODES = 35
INVERSE_ITERATIONS = 30
CENTRE = np.array([0.0, 16.0, 5.0])


@dataclass(frozen=True)
class Deformation:
    """Patient LPS mm to template LPS mm and back.

    A patient point p goes to q = matrix (p - centre - shift) + centre and then to q + field(q). `field` is
    the displacement exp(v) of a smooth velocity v in mm on the coarse grid, (3, z, y, x).
    """

    matrix: NDArray[np.float64]
    shift: NDArray[np.float64]
    field: NDArray[np.float64]

    def to_template(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Template LPS mm of patient points (..., 3)."""
        linear = (points - CENTRE - self.shift) @ self.matrix.T + CENTRE
        return linear + _displacement(self.field, linear)

    def to_patient(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Patient LPS mm of template points (..., 3), by fixed-point iteration, within 0.01 mm."""
        linear = points
        for _ in range(INVERSE_ITERATIONS):
            linear = points - _displacement(self.field, linear)
        return (linear - CENTRE) @ np.linalg.inv(self.matrix).T + CENTRE + self.shift


def random_deformation(random: np.random.Generator, amount: float = 1.0) -> Deformation:
    """Draw a head shape.

    Scale within 8 % per axis, rotation within 10 degrees about x (nodding) and 5 about the others, shift within 8 mm; a
    smooth velocity field of about 3 mm, and wider or narrower ventricles. `amount` scales all of it.
    """
    scale = 1 + amount * random.uniform(-0.08, 0.08, 3)
    angles = amount * random.uniform(-1, 1, 3) * (10, 5, 5)
    rotation = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    velocity = _smooth_noise(random, 28.0, 4.0 * amount) + _smooth_noise(random, 12.0, 1.2 * amount)
    velocity += _ventricle_velocity(amount * random.uniform(-0.1, 0.55))
    return Deformation(
        matrix=np.diag(1 / scale) @ rotation.T,
        shift=amount * random.uniform(-8, 8, 3),
        field=_exponential(velocity),
    )


def _node_points() -> NDArray[np.float64]:
    """LPS mm (z, y, x, 3) of the coarse nodes."""
    axis = NODE_SPACING * (np.arange(NODES) - NODES // 2)
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    return np.stack([x, y, z], axis=-1) + CENTRE


def _smooth_noise(random: np.random.Generator, width: float, amplitude: float) -> NDArray[np.float64]:
    """Gaussian noise smoothed with a standard deviation of `width` mm and scaled to `amplitude` mm per axis."""
    noise = random.standard_normal((3, NODES, NODES, NODES))
    smooth = ndimage.gaussian_filter(noise, (0, *[width / NODE_SPACING] * 3), mode="wrap")
    return np.asarray(amplitude * smooth / smooth.std())


def _ventricle_velocity(strength: float) -> NDArray[np.float64]:
    """Velocity towards the middle of each lateral ventricle; the patient's ventricle becomes exp(strength) wider."""
    points = _node_points()
    velocity = np.zeros((3, NODES, NODES, NODES))
    for side in (1, -1):
        offset = points - (side * 17.0, 12.0, 14.0)
        weight = np.exp(-0.5 * ((offset / (14.0, 32.0, 16.0)) ** 2).sum(-1))
        velocity -= strength * np.moveaxis(offset * weight[..., None], -1, 0)
    return velocity


def _exponential(velocity: NDArray[np.float64], squarings: int = 6) -> NDArray[np.float64]:
    """Displacement of exp(velocity) by scaling and squaring (Arsigny et al., MICCAI 2006)."""
    displacement = velocity / 2**squarings
    points = _node_points()
    for _ in range(squarings):
        moved = points + np.moveaxis(displacement, 0, -1)
        displacement = displacement + np.moveaxis(_displacement(displacement, moved), -1, 0)
    return displacement


def _displacement(field: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The field at points (..., 3) in LPS mm, linear between nodes."""
    indices = np.moveaxis((points - CENTRE) / NODE_SPACING + NODES // 2, -1, 0)[::-1]
    return np.stack([ndimage.map_coordinates(part, indices, order=1, mode="nearest") for part in field], axis=-1)
