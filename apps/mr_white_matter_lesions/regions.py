"""The table of white-matter regions, ``regions.yaml``."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.manifest import CodedConcept

TABLE = Path(__file__).with_name("regions.yaml")
SIDES = {"left": codes.SCT.Left, "right": codes.SCT.Right}


@dataclass(frozen=True)
class Region:
    """One region on one side: ``number`` is its value in label maps, ``side`` is "left" or "right"."""

    number: int
    name: str
    side: str
    code: Code

    @property
    def title(self) -> str:
        """Name with side, unique in the table."""
        return f"{self.name}, {self.side}"

    @property
    def laterality(self) -> Code:
        """The side as a coded concept (PS3.16 CID 244)."""
        return SIDES[self.side]

    @property
    def colour(self) -> tuple[int, int, int]:
        """Display colour, sRGB 0 to 255: neighbours in the table far apart in hue, the right side paler."""
        hue = ((self.number + 1) // 2 * 0.618034) % 1.0
        red, green, blue = colorsys.hsv_to_rgb(hue, 0.85 if self.side == "left" else 0.55, 0.95)
        return round(255 * red), round(255 * green), round(255 * blue)


@cache
def load_regions(path: Path = TABLE) -> tuple[Region, ...]:
    """Read the table in order of number. Raises :class:`ValueError` unless numbers run from 1 to n without a gap."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    regions = sorted(
        (
            Region(number, entry["name"], side, CodedConcept.model_validate(entry["code"]).code)
            for entry in content["regions"]
            for side, number in entry["labels"].items()
        ),
        key=lambda region: region.number,
    )
    if [region.number for region in regions] != list(range(1, len(regions) + 1)):
        raise ValueError(f"{path}: the labels must be 1 to {len(regions)}, each once")
    return tuple(regions)
