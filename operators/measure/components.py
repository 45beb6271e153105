"""Connected components of a mask: count, sizes, removal of small ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_TOUCHING = np.ones((3, 3, 3), dtype=bool)


@dataclass(frozen=True)
class Components:
    """The connected components of a mask.

    ``labels`` has the mask's shape, 0 outside and 1 to n inside; ``voxels`` holds the n sizes in voxels.
    """

    labels: NDArray[np.int32]
    voxels: NDArray[np.int64]

    @property
    def count(self) -> int:
        """Number of components."""
        return len(self.voxels)

    @property
    def largest(self) -> int:
        """Voxels of the largest component, 0 if there is none."""
        return int(self.voxels.max(initial=0))


def connected_components(mask: NDArray[np.bool_]) -> Components:
    """Return the components of a 3-D mask; voxels that share a face, an edge or a corner belong together (26)."""
    labels = np.zeros(mask.shape, dtype=np.int32)
    count = ndimage.label(mask, structure=_TOUCHING, output=labels)
    return Components(labels, np.bincount(labels.ravel(), minlength=count + 1)[1:].astype(np.int64))


def remove_small(mask: NDArray[np.bool_], minimum_mm3: float, voxel_volume: float) -> NDArray[np.bool_]:
    """Return the mask without components smaller than ``minimum_mm3``; ``voxel_volume`` is in mm³.

    A component of exactly the minimum stays. With a minimum of 0 the mask is returned as it is.
    """
    if minimum_mm3 <= 0:
        return mask.copy()
    components = connected_components(mask)
    stays = np.concatenate([[False], components.voxels * voxel_volume >= minimum_mm3])
    kept: NDArray[np.bool_] = stays[components.labels]
    return kept
