"""How much of each region is lesion, with sums that come out exactly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from operators.measure.components import connected_components


@dataclass(frozen=True)
class Load:
    """Lesion inside one region: both are counted in voxels, ``voxel_volume`` is in mm³."""

    lesion_voxels: int
    region_voxels: int
    voxel_volume: float

    @property
    def lesion_volume(self) -> float:
        """Volume of the lesions in the region, mm³."""
        return self.lesion_voxels * self.voxel_volume

    @property
    def region_volume(self) -> float:
        """Volume of the region, mm³."""
        return self.region_voxels * self.voxel_volume

    @property
    def percent(self) -> float | None:
        """Share of the region that is lesion, in %; None where the region is absent from the image."""
        return 100 * self.lesion_voxels / self.region_voxels if self.region_voxels else None


@dataclass(frozen=True)
class RegionalLoad:
    """Lesions by region.

    ``regions`` maps each region number to its load. ``unassigned_voxels`` are lesion voxels in no region asked for:
    the regions' lesion voxels and these add up to ``total_voxels`` exactly. ``lesion_count`` and ``largest_voxels``
    are of the connected components (26 neighbours) of all lesions, whatever region they lie in.
    """

    regions: dict[int, Load]
    unassigned_voxels: int
    total_voxels: int
    lesion_count: int
    largest_voxels: int
    voxel_volume: float

    @property
    def unassigned_volume(self) -> float:
        """Volume of the lesions in no region, mm³."""
        return self.unassigned_voxels * self.voxel_volume

    @property
    def total_volume(self) -> float:
        """Volume of all lesions, mm³."""
        return self.total_voxels * self.voxel_volume

    @property
    def largest_volume(self) -> float:
        """Volume of the largest component, mm³."""
        return self.largest_voxels * self.voxel_volume


def regional_load(
    lesions: NDArray[np.bool_],
    regions: NDArray[np.uint8],
    voxel_volume: float,
    region_numbers: Iterable[int],
) -> RegionalLoad:
    """Return the load of each region of ``region_numbers`` (each 1 to 255).

    ``lesions`` and ``regions`` are (slice, row, column) on one grid; ``regions`` holds a region's number in each
    voxel, 0 for none. Raises :class:`ValueError` if their shapes differ or a number is not 1 to 255.
    """
    numbers = list(region_numbers)
    if lesions.shape != regions.shape:
        raise ValueError(f"lesions {lesions.shape} and regions {regions.shape} lie on different grids")
    if not all(1 <= number <= 255 for number in numbers) or len(set(numbers)) != len(numbers):
        raise ValueError(f"region numbers must be distinct and 1 to 255: {numbers}")
    region_voxels = np.bincount(regions.ravel(), minlength=256)
    lesion_voxels = np.bincount(regions[lesions], minlength=256)
    loads = {number: Load(int(lesion_voxels[number]), int(region_voxels[number]), voxel_volume) for number in numbers}
    total = int(lesion_voxels.sum())
    components = connected_components(lesions)
    return RegionalLoad(
        regions=loads,
        unassigned_voxels=total - sum(load.lesion_voxels for load in loads.values()),
        total_voxels=total,
        lesion_count=components.count,
        largest_voxels=components.largest,
        voxel_volume=voxel_volume,
    )
