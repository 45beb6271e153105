"""Read a series of parallel slices as one volume with an exact affine, or refuse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from operators.read.study import Instance, Series


@dataclass(frozen=True)
class Volume:
    """A volume in patient coordinates.

    ``array`` is (slice, row, column) in the modality's units; ``affine`` (4, 4, float64) maps
    (column, row, slice, 1) to LPS mm; ``instances`` are the source slices in array order.
    """

    array: NDArray[np.generic]
    affine: NDArray[np.float64]
    frame_of_reference_uid: str
    instances: tuple[Instance, ...]

    @property
    def voxel_volume(self) -> float:
        """Volume of one voxel in mm³."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))


def read_volume(series: Series) -> Volume:
    """Read one series as a volume."""
    raise NotImplementedError
