"""Lesions, by region and side: the numbers of the report."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.mr_white_matter_lesions.inputs import Inputs
from apps.mr_white_matter_lesions.regions import SIDES, load_regions
from apps.mr_white_matter_lesions.segmentation import Segmentation
from operators.measure.components import remove_small
from operators.measure.regional_load import RegionalLoad, regional_load


@dataclass(frozen=True)
class Burden:
    """What was found, on the grid of the reference volume.

    ``lesions`` (0, 1) and ``regions`` (0 to 34) are (slice, row, column); the regions are outlined whether they hold
    a lesion or not. Lesion volume by region is the voxels of their intersection; a lesion voxel in no region is
    unassigned, so regions and unassigned add up to the total exactly. The entropies are those of the networks'
    outlines, before small lesions are left out; None where there is no outline.
    """

    lesions: NDArray[np.uint8]
    regions: NDArray[np.uint8]
    load: RegionalLoad
    lesion_entropy: float | None
    region_entropy: float | None

    def side_voxels(self, side: str) -> int:
        """Lesion voxels in the regions of one side."""
        return sum(self.load.regions[region.number].lesion_voxels for region in load_regions() if region.side == side)


def measure_burden(
    inputs: Inputs, lesions: Segmentation, regions: Segmentation, minimum_lesion_volume: float
) -> Burden:
    """Intersect lesions and regions. Components smaller than ``minimum_lesion_volume`` (mm³) are left out."""
    voxel_volume = inputs.reference.voxel_volume
    mask = remove_small(lesions.labels > 0, minimum_lesion_volume, voxel_volume)
    load = regional_load(mask, regions.labels, voxel_volume, [region.number for region in load_regions()])
    lesion_entropy = lesions.mean_entropy if mask.any() else None
    return Burden(mask.astype(np.uint8), regions.labels, load, lesion_entropy, regions.mean_entropy)


def summarise(inputs: Inputs, burden: Burden) -> str:
    """One sentence for work lists."""
    sides = ", ".join(f"{side} {millilitres(burden, burden.side_voxels(side)):.2f}" for side in SIDES)
    load = burden.load
    return (
        f"{load.total_volume / 1000:.2f} mL in {load.lesion_count} lesions ({sides}, "
        f"unassigned {load.unassigned_volume / 1000:.2f}); {inputs.configuration.value}"
    )


def millilitres(burden: Burden, voxels: int) -> float:
    """Volume of a number of voxels."""
    return voxels * burden.load.voxel_volume / 1000
