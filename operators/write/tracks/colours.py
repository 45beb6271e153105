"""sRGB → CIELab as PS3.3 C.10.7.1.1 stores it."""

from __future__ import annotations

from functools import lru_cache

from highdicom.color import CIELabColor

from operators.write.tracks.track_set import Colour


@lru_cache(maxsize=4096)
def cielab(colour: Colour) -> tuple[int, int, int]:
    """Return a colour as three unsigned 16 bit integers."""
    first, second, third = CIELabColor.from_rgb(*colour).value
    return int(first), int(second), int(third)
