"""Plain data of the simulated brain MR: lesions, acquisitions and the phantom that holds them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phantoms.mr_brain.regions import Side

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Lesion:
    """An ellipsoidal lesion in the patient.

    `centre` is in LPS mm, `radius` in mm, `stretch` the factors on the radius along x, y and z. A lesion
    `confined` to white matter is the part of the ellipsoid in which the white-matter fraction is above one half.
    `flair` and `t1` are its contrast values on the scale of `contrast.py`. `side` is the patient's side of the deformed
    midline; None lets the simulation fill it in.
    """

    centre: Point
    radius: float
    side: Side | None = None
    stretch: Point = (1.0, 1.0, 1.0)
    confined: bool = False
    flair: float = 0.95
    t1: float = 0.62


@dataclass(frozen=True)
class Acquisition:
    """One MR series in memory with its truth.

    `array` (slice, row, column) holds non-negative whole numbers in arbitrary MR units; `affine` maps
    (column, row, slice, 1) to LPS mm. `lesions` is true where lesions fill at least half of the voxel, `regions` is the
    label 0..34 at the voxel's centre; both have the array's shape. `sequence` is "FLAIR" or "T1".
    """

    array: NDArray[np.float32]
    affine: NDArray[np.float64]
    lesions: NDArray[np.bool_]
    regions: NDArray[np.uint8]
    sequence: str

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel in mm³."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    @property
    def lesion_volume_ml(self) -> float:
        """Volume of the voxelised lesion truth in mL."""
        return float(self.lesions.sum()) * self.voxel_volume_mm3 / 1000


@dataclass(frozen=True)
class BrainMRPhantom:
    """One simulated head seen by a FLAIR and a T1 sequence in one frame of reference.

    `distractors` are bright cortical findings ("other pathology") that are not in the lesion truth.
    """

    flair: Acquisition
    t1: Acquisition
    seed: int
    lesion_list: tuple[Lesion, ...]
    distractors: tuple[Lesion, ...] = ()
