"""Graphics and texts on layers over images (PS3.3 C.10.5 Graphic Annotation, C.10.7 Graphic Layer)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

LONGEST_GRAPHIC = 0xFFFE // 8
"""Points that one graphic object can hold: Graphic Data (0070,0022) is FL, whose length is 16 bits (PS3.5 7.1.2)."""


class GraphicType(str, Enum):
    """What the points of a graphic mean (Graphic Type (0070,0023), PS3.3 C.10.5.1.2)."""

    POINT = "POINT"
    POLYLINE = "POLYLINE"
    """Straight lines from point to point; closed where the last point repeats the first."""
    INTERPOLATED = "INTERPOLATED"
    """A curve through the points."""
    CIRCLE = "CIRCLE"
    """Centre, then a point of the circle."""
    ELLIPSE = "ELLIPSE"
    """The ends of the major axis, then those of the minor axis."""


@dataclass(frozen=True)
class GraphicLayer:
    """A layer that a viewer shows or hides as one; ``name`` is capital letters, ``colour`` sRGB of 0 to 255."""

    name: str
    description: str
    colour: tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Graphic:
    """One shape: ``points`` is (point, 2) of (column, row) in pixels, the corner of the image's first pixel is (0, 0).

    The centre of pixel ``array[row, column]`` is (column + 0.5, row + 0.5). ``tracking_identifier`` is that of the
    finding that is drawn, as in the other results of the analysis.
    """

    type: GraphicType
    points: NDArray[np.float64]
    filled: bool = False
    tracking_identifier: str = ""

    @property
    def is_closed(self) -> bool:
        """Whether the shape encloses something, so that it can be filled."""
        if self.type in (GraphicType.CIRCLE, GraphicType.ELLIPSE):
            return True
        return (
            self.type != GraphicType.POINT and len(self.points) > 2 and bool((self.points[0] == self.points[-1]).all())
        )


@dataclass(frozen=True)
class TextLabel:
    """A text at ``anchor``, (column, row) in pixels as of a :class:`Graphic`, or in ``box``, or both.

    ``box`` is (left, top, right, bottom) as shares of the displayed area, so it stays in its corner while the image is
    zoomed. ``mark_anchor`` asks viewers to draw a line to the anchor.
    """

    text: str
    anchor: tuple[float, float] | None = None
    box: tuple[float, float, float, float] | None = None
    mark_anchor: bool = True


@dataclass(frozen=True, eq=False)
class Annotation:
    """What is drawn on one layer over one image; ``image`` is its place among the state's images, None for all."""

    layer: str
    image: int | None = None
    graphics: Sequence[Graphic] = field(default=())
    texts: Sequence[TextLabel] = field(default=())


def box(left: float, top: float, right: float, bottom: float, *, tracking_identifier: str = "") -> Graphic:
    """Return a rectangle with these edges, in pixels as of a :class:`Graphic`."""
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], dtype=np.float64)
    return Graphic(GraphicType.POLYLINE, corners, tracking_identifier=tracking_identifier)
