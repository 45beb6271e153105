"""One segment of a Segmentation object, as plain data."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.sr.coding import Code


@dataclass(frozen=True)
class Segment:
    """Description of one segment (PS3.3 section C.8.20.2).

    ``number`` is the value of its voxels in the label map; ``tracking_identifier`` ties it to a measurement
    group; ``colour`` is recommended display sRGB, 0 to 255, by default that of its type or one that differs from the
    others'.
    """

    number: int
    label: str
    category: Code
    type: Code
    tracking_identifier: str
    colour: tuple[int, int, int] | None = None
    anatomic_region: Code | None = None
    laterality: Code | None = None
