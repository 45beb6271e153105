"""The recommended display colour of each segment."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

from operators.write.segment import Segment
from operators.write.segments.colour_table import COLOURS

Colour = tuple[int, int, int]

# Steps of the golden angle never come back to a hue, and any few in a row lie far apart.
_GOLDEN_ANGLE = (5**0.5 - 1) / 2

_SHADES = ((0.65, 1.0), (1.0, 0.85), (0.45, 0.8), (0.85, 0.6))


def colours_of(segments: Sequence[Segment]) -> list[Colour]:
    """Return each segment's colour, sRGB from 0 to 255.

    That is its own if it has one, else that of its type in the table; where an earlier segment has that colour, or the
    table has none, one that differs, by the segment's number: the same segments always get the same colours.
    """
    taken = {segment.colour for segment in segments if segment.colour is not None}
    colours = []
    for segment in segments:
        colour = segment.colour
        if colour is None:
            usual = COLOURS.get(segment.type.value) if segment.type.scheme_designator == "SCT" else None
            colour = usual if usual is not None and usual not in taken else distinct_colour(segment.number)
            taken.add(colour)
        colours.append(colour)
    return colours


def distinct_colour(number: int) -> Colour:
    """Return the colour of a segment that has none of its own: bright, far from those of neighbouring numbers."""
    saturation, value = _SHADES[number // 7 % len(_SHADES)]
    red, green, blue = colorsys.hsv_to_rgb(number * _GOLDEN_ANGLE % 1, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)
