"""One picture of a whole study: a row of tiles, or the traces of a waveform, for each series."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from deploy.inspect.tiles import COUNT, TILE, Pictures, Tile, Trace

# A dark page, as images are read in a dark room.
_PAGE, _TEXT, _FAINT, _TRACE = "#0d1117", "#f0f3f6", "#9aa4b0", "#6fd08c"
_MARGIN, _HEADING, _NAME, _FONT_SIZE, _SMALL = 12, 26, 18, 16, 12
_WIDTH = _MARGIN + COUNT * (TILE + _MARGIN)
_TRACE_HEIGHT = 46

# No PNG viewer is happy with more.
_MAXIMUM_ROWS = 120


def draw_contact_sheet(series: Sequence[tuple[str, Pictures]]) -> Image.Image:
    """Return the contact sheet of series, given as title and pictures; it names nobody."""
    rows = list(series[:_MAXIMUM_ROWS])
    heights = [_HEADING + _height(pictures) + _MARGIN for _, pictures in rows]
    sheet = Image.new("RGB", (_WIDTH, max(sum(heights) + _MARGIN + _HEADING, 2 * _HEADING)), _PAGE)
    draw = ImageDraw.Draw(sheet)
    top = _MARGIN
    for (title, pictures), height in zip(rows, heights, strict=True):
        draw.text((_MARGIN, top), title[:110], _TEXT, _font(_FONT_SIZE))
        if pictures.traces:
            _draw_traces(draw, pictures, top + _HEADING)
        elif pictures.tiles:
            _draw_tiles(sheet, draw, pictures.tiles, top + _HEADING)
        else:
            draw.text((_MARGIN, top + _HEADING), "no picture", _FAINT, _font(_SMALL))
        top += height
    if len(series) > len(rows):
        draw.text((_MARGIN, top), f"and {len(series) - len(rows)} more series", _FAINT, _font(_FONT_SIZE))
    elif not series:
        draw.text((_MARGIN, top), "no series", _FAINT, _font(_FONT_SIZE))
    return sheet


def save_contact_sheet(series: Sequence[tuple[str, Pictures]], path: Path) -> None:
    """Write the contact sheet as PNG."""
    draw_contact_sheet(series).save(path, format="PNG", optimize=True)


def _height(pictures: Pictures) -> int:
    if pictures.traces:
        return _TRACE_HEIGHT * len(pictures.traces) + _NAME
    if pictures.tiles:
        return max(tile.image.shape[0] for tile in pictures.tiles) + _NAME
    return _NAME


def _draw_tiles(sheet: Image.Image, draw: ImageDraw.ImageDraw, tiles: Sequence[Tile], top: int) -> None:
    for place, tile in enumerate(tiles):
        left = _MARGIN + place * (TILE + _MARGIN)
        sheet.paste(Image.fromarray(tile.image), (left, top))
        draw.text((left, top + tile.image.shape[0] + 2), tile.name[:30], _FAINT, _font(_SMALL))


def _draw_traces(draw: ImageDraw.ImageDraw, pictures: Pictures, top: int) -> None:
    left, right = 120, _WIDTH - _MARGIN
    for place, trace in enumerate(pictures.traces):
        upper = top + place * _TRACE_HEIGHT
        draw.text((_MARGIN, upper + _TRACE_HEIGHT // 2 - _SMALL), trace.name[:16], _FAINT, _font(_SMALL))
        for points in _polylines(trace, left, right, upper + 2, upper + _TRACE_HEIGHT - 2):
            draw.line(points, fill=_TRACE, width=1)
    bottom = top + len(pictures.traces) * _TRACE_HEIGHT
    draw.text((left, bottom), f"{pictures.seconds:.3g} s", _FAINT, _font(_SMALL))


def _polylines(trace: Trace, left: int, right: int, upper: int, lower: int) -> list[list[tuple[float, float]]]:
    """The trace as lines; padding interrupts them. Each pixel column shows the least and the most of its samples."""
    values = trace.values
    finite = values[np.isfinite(values)]
    if not finite.size:
        return []
    low, high = float(finite.min()), float(finite.max())
    middle, half = (low + high) / 2, (high - low) / 2 or 1.0
    columns = min(len(values), right - left)
    edges = np.linspace(0, len(values), columns + 1).astype(int)
    lines: list[list[tuple[float, float]]] = [[]]
    for column, (start, stop) in enumerate(pairwise(edges)):
        part = values[start:stop]
        part = part[np.isfinite(part)]
        if not part.size:
            lines.append([])
            continue
        x = left + column * (right - left) / columns
        lines[-1] += [(x, (upper + lower) / 2 - (value - middle) / half * (lower - upper) / 2) for value in _ends(part)]
    return [line for line in lines if len(line) > 1]


def _ends(part: NDArray[np.float64]) -> list[float]:
    """Least and most, in the order in which they come; one value if they are the same."""
    first, last = sorted((int(part.argmin()), int(part.argmax())))
    return [float(part[first])] if first == last else [float(part[first]), float(part[last])]


@lru_cache(maxsize=4)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)
