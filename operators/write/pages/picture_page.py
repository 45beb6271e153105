"""A page of pictures with outlines and axes drawn into them, for viewers that show no overlay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from matplotlib import get_data_path
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from skimage.measure import find_contours

_WIDTH = 1200
_MARGIN = 24
_TEXT_SIZE, _TITLE_SIZE = 20, 32
_LINE = 28
_PAGE, _TEXT, _FAINT, _NOTICE = (13, 17, 23), (240, 243, 246), (154, 164, 176), (242, 184, 75)

Line = tuple[tuple[float, float], tuple[float, float]]
"""Two ends (row, column) in pixels of the picture, whose centres have whole numbers."""


@dataclass(frozen=True, eq=False)
class OutlinedPicture:
    """A picture (row, column) in [0, 1] with a mask on it; ``axes`` are drawn as lines.

    ``spacing`` is that of rows and columns in any unit: the picture is shown in its true proportions.
    """

    image: NDArray[np.floating]
    mask: NDArray[np.bool_]
    caption: str
    axes: Sequence[Line] = ()
    spacing: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True)
class PicturePage:
    """Content of a page. It must not name the patient: the viewer does, from the header.

    ``lines`` stand below the title, ``notice`` as a warning at the foot. ``pictures`` are at least one; ``colour`` is
    the outlines' sRGB.
    """

    title: str
    lines: Sequence[str]
    notice: str
    pictures: Sequence[OutlinedPicture]
    colour: tuple[int, int, int]


def draw_pictures(page: PicturePage) -> NDArray[np.uint8]:
    """Draw a page, (row, 1200, 3) in sRGB: one picture large, several in two columns; always the same bytes."""
    columns = 1 if len(page.pictures) == 1 else 2
    width = (_WIDTH - (columns + 1) * _MARGIN) // columns
    tiles = [_tile(picture, width, page.colour) for picture in page.pictures]
    rows = [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
    lines = [part for line in page.lines for part in _wrapped(line, _WIDTH - 2 * _MARGIN)]
    notice = _wrapped(page.notice, _WIDTH - 2 * _MARGIN)
    top = _MARGIN + _TITLE_SIZE + 16 + _LINE * len(lines) + _MARGIN
    height = top + sum(max(tile.height for tile in row) + _MARGIN for row in rows) + _LINE * len(notice) + _MARGIN
    canvas = Image.new("RGB", (_WIDTH, height), _PAGE)
    draw = ImageDraw.Draw(canvas)
    draw.text((_MARGIN, _MARGIN), page.title, fill=_TEXT, font=_font(_TITLE_SIZE))
    _write(draw, lines, (_MARGIN, _MARGIN + _TITLE_SIZE + 16), _TEXT)
    y = top
    for row in rows:
        for column, tile in enumerate(row):
            canvas.paste(tile, (_MARGIN + column * (width + _MARGIN), y))
        y += max(tile.height for tile in row) + _MARGIN
    _write(draw, notice, (_MARGIN, y), _NOTICE)
    return np.asarray(canvas, dtype=np.uint8)


def _write(
    draw: ImageDraw.ImageDraw, lines: Sequence[str], place: tuple[int, int], colour: tuple[int, int, int]
) -> None:
    x, y = place
    for line in lines:
        draw.text((x, y), line, fill=colour, font=_font(_TEXT_SIZE))
        y += _LINE


def _tile(picture: OutlinedPicture, width: int, colour: tuple[int, int, int]) -> Image.Image:
    """A picture with its outline, at most ``width`` wide and not higher than that, and its caption below."""
    rows, columns = picture.image.shape
    extent = rows * picture.spacing[0], columns * picture.spacing[1]
    scale = min(width / extent[1], width / extent[0])
    size = max(1, round(extent[1] * scale)), max(1, round(extent[0] * scale))
    grey = np.rint(255 * np.clip(picture.image, 0, 1)).astype(np.uint8)
    shown = Image.fromarray(grey).resize(size, Image.Resampling.BICUBIC).convert("RGB")
    draw = ImageDraw.Draw(shown)
    steps = size[1] / rows, size[0] / columns

    def place(points: NDArray[np.floating]) -> list[tuple[float, float]]:
        return [((column + 0.5) * steps[1], (row + 0.5) * steps[0]) for row, column in points]

    for contour in find_contours(np.pad(picture.mask, 1).astype(float), 0.5):
        draw.line(place(contour - 1), fill=colour, width=2)
    for axis in picture.axes:
        draw.line(place(np.array(axis)), fill=colour, width=1)
    caption = _wrapped(picture.caption, width)
    tile = Image.new("RGB", (width, size[1] + _LINE * len(caption) + 8), _PAGE)
    tile.paste(shown, (0, 0))
    _write(ImageDraw.Draw(tile), caption, (0, size[1] + 6), _FAINT)
    return tile


def _wrapped(text: str, width: int) -> list[str]:
    """A text in lines of at most so many pixels, broken between words, or within one that fills more than a line."""
    font = _font(_TEXT_SIZE)
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if font.getlength(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
    return lines


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """Matplotlib's own font: Pillow's has no superscripts."""
    return ImageFont.truetype(f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)
