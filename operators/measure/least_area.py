"""What is too small to be a finding in a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class LeastArea:
    """The smallest area of a finding: in mm², or where nothing is calibrated as a part (0 to 1) of the picture."""

    area_mm2: float
    part: float

    def pixels(self, shape: tuple[int, int], spacing: tuple[float, float] | None) -> int:
        """Return the least number of pixels in a picture (row, column) of that spacing in mm."""
        if spacing is None:
            return math.ceil(self.part * shape[0] * shape[1])
        return math.ceil(self.area_mm2 / (spacing[0] * spacing[1]))
