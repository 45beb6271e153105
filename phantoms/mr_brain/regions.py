"""The table of white-matter regions and the labelling of white matter by its nearest seed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Side = Literal["left", "right"]
SIDES: tuple[Side, Side] = ("left", "right")
DEFAULT_TABLE = Path(__file__).with_name("regions.yaml")


@dataclass(frozen=True)
class Region:
    """One white-matter region of one side.

    `seeds` is (n, 4): x, y, z in template LPS mm and the reach in mm that is taken off the distance.
    """

    label: int
    name: str
    side: Side
    seeds: NDArray[np.float64]


@dataclass(frozen=True)
class RegionTable:
    """Regions in the order of their labels 1..n, and the seeds (n, 4) of what is not cerebral white matter."""

    regions: tuple[Region, ...]
    excluded: NDArray[np.float64]


def load_region_table(path: Path = DEFAULT_TABLE) -> RegionTable:
    """Read and check a region table.

    Raises ValueError where labels are not 1..n without a gap, a region lacks a side, a name or a number repeats, or a
    seed is not [distance from the midline, y, z, reach].
    """
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    regions: list[Region] = []
    for entry in content["regions"]:
        if set(entry["labels"]) != set(SIDES):
            raise ValueError(f"{path.name}: region {entry['name']!r} needs exactly the labels 'left' and 'right'")
        regions.extend(
            Region(int(entry["labels"][side]), entry["name"], side, _seeds(entry, side, path)) for side in SIDES
        )
    regions.sort(key=lambda region: region.label)
    labels = [region.label for region in regions]
    if labels != list(range(1, len(regions) + 1)):
        raise ValueError(f"{path.name}: labels must be 1..{len(regions)} without a gap or a repeat, not {labels}")
    if len({(region.name, region.side) for region in regions}) != len(regions):
        raise ValueError(f"{path.name}: a region name repeats")
    excluded = [_seeds(entry, side, path) for entry in content.get("excluded", []) for side in SIDES]
    return RegionTable(tuple(regions), np.concatenate(excluded) if excluded else np.empty((0, 4)))


def _seeds(entry: dict[str, list[list[float]]], side: Side, path: Path) -> NDArray[np.float64]:
    """Seeds of one side, from (distance from the midline, MNI y, MNI z, reach) to LPS: patient left is +x."""
    seeds = np.asarray(entry["seeds"], dtype=np.float64)
    if seeds.ndim != 2 or seeds.shape[1] != 4 or (seeds[:, 0] < 0).any():
        raise ValueError(f"{path.name}: seeds of {entry['name']!r} must be [distance from midline, y, z, reach]")
    return seeds * ((1 if side == "left" else -1), -1, 1, 1)


def label_white_matter(points: NDArray[np.float64], table: RegionTable) -> NDArray[np.uint8]:
    """Region label of each white-matter point.

    `points` is (n, 3) in template LPS mm; the result is (n,), 0 where an excluded seed is nearest. Points with x >= 0
    see the left seeds only, the others the right ones. The additively weighted nearest seed is found with one search
    tree per distinct reach.
    """
    seeds = np.concatenate([table.excluded, *(region.seeds for region in table.regions)])
    labels = np.concatenate(
        [np.zeros(len(table.excluded)), *(np.full(len(region.seeds), region.label) for region in table.regions)]
    ).astype(np.uint8)
    result = np.zeros(len(points), np.uint8)
    for on_side, seeds_on_side in ((points[:, 0] >= 0, seeds[:, 0] >= 0), (points[:, 0] < 0, seeds[:, 0] <= 0)):
        side_points = points[on_side]
        best = np.full(len(side_points), np.inf)
        side_labels = np.zeros(len(side_points), np.uint8)
        for reach in np.unique(seeds[seeds_on_side, 3]):
            chosen = seeds_on_side & (seeds[:, 3] == reach)
            distance, index = cKDTree(seeds[chosen, :3]).query(side_points)
            closer = distance - reach < best
            best[closer] = distance[closer] - reach
            side_labels[closer] = labels[chosen][index[closer]]
        result[on_side] = side_labels
    return result
