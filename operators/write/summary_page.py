"""One page that a radiologist reads in any viewer: figures, marked slices, a chart by region and side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from operators.write.pages.montage import Tile, axial_tiles

WIDTH, HEIGHT = 1600, 1200
"""Size of the page in pixels."""

_DPI = 100
_FONT = "DejaVu Sans"
# A dark page: it is read beside images in a dark room.
_PAGE, _PANEL, _TEXT, _FAINT, _WARNING = "#0d1117", "#161b22", "#f0f3f6", "#9aa4b0", "#f2b84b"
_LEFT, _RIGHT = "#4ea1e0", "#e8875a"


@dataclass(frozen=True)
class Picture:
    """What the slices show.

    ``array`` and ``labels`` are (slice, row, column) on one grid, ``affine`` maps (column, row, slice, 1) to LPS mm.
    ``colours`` gives the sRGB outline of each label; ``slice_names`` name the array's slices, e.g. "image 12".
    """

    array: NDArray[np.generic]
    affine: NDArray[np.float64]
    labels: NDArray[np.uint8]
    colours: Mapping[int, tuple[int, int, int]]
    slice_names: Sequence[str] | None = None


@dataclass(frozen=True)
class BarPair:
    """One row of the chart: a structure's value on the patient's left and right, each with the text beside its bar."""

    name: str
    left: float
    right: float
    left_text: str = ""
    right_text: str = ""


@dataclass(frozen=True)
class SummaryPage:
    """Content of a page. It must not name the patient: the viewer does, from the header.

    ``figures`` are (caption, value) and stand large at the top; ``lines`` are sentences below the slices, e.g. which
    sequences were used; ``notice`` is shown as a warning. Without ``bars`` the slices take the whole width.
    """

    title: str
    figures: Sequence[tuple[str, str]]
    picture: Picture
    lines: Sequence[str] = ()
    notice: str = ""
    bars_title: str = ""
    bars: Sequence[BarPair] = field(default=())


def render_summary(page: SummaryPage) -> NDArray[np.uint8]:
    """Draw a page, (1200, 1600, 3) of sRGB; the same content gives the same bytes."""
    canvas = FigureCanvasAgg(draw_summary(page))
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


def draw_summary(page: SummaryPage) -> Figure:
    """Draw a page of 16 x 12 inches, e.g. for a document.

    Slices are axial in radiological convention: the patient's right is on the left of each picture, and on the left
    of the chart, too.
    """
    figure = Figure(figsize=(WIDTH / _DPI, HEIGHT / _DPI), dpi=_DPI, facecolor=_PAGE)
    _draw_head(figure, page)
    bottom = _draw_foot(figure, page)
    picture = page.picture
    columns, right = (4, 0.585) if page.bars else (6, 0.98)
    tiles = axial_tiles(picture.array, picture.affine, picture.labels, 3 * columns, picture.slice_names)
    _draw_tiles(figure, tiles, picture.colours, columns, (0.02, bottom, right, 0.835))
    if page.bars:
        _draw_bars(figure, page, (0.597, bottom, 0.985, 0.835))
    return figure


def _write(figure: Figure, x: float, y: float, text: str, size: float, **style: object) -> None:
    style = {"color": _TEXT, "va": "baseline", "family": _FONT, **style}
    figure.text(x, y, text, fontsize=size, **style)  # type: ignore[arg-type]


def _draw_head(figure: Figure, page: SummaryPage) -> None:
    _write(figure, 0.02, 0.955, page.title, 22, weight="bold")
    for index, (caption, value) in enumerate(page.figures):
        x = 0.02 + index * 0.96 / max(len(page.figures), 5)
        _write(figure, x, 0.885, value, 25, weight="bold")
        _write(figure, x, 0.858, caption, 12, color=_FAINT)


def _draw_foot(figure: Figure, page: SummaryPage) -> float:
    """Draw lines and notice from the bottom up; return the height where they end."""
    y = 0.02
    if page.notice:
        for text in reversed(wrap(page.notice, 150)):
            _write(figure, 0.02, y, text, 13, color=_WARNING, weight="bold")
            y += 0.024
        y += 0.006
    for line in reversed(page.lines):
        for text in reversed(wrap(line, 170)):
            _write(figure, 0.02, y, text, 12, color=_TEXT)
            y += 0.021
    return y + 0.012


def _draw_tiles(
    figure: Figure,
    tiles: Sequence[Tile],
    colours: Mapping[int, tuple[int, int, int]],
    columns: int,
    box: tuple[float, float, float, float],
) -> None:
    """Draw tiles row by row into ``box`` (left, bottom, right, top)."""
    left, bottom, right, top = box
    rows = -(-len(tiles) // columns)
    width, height = (right - left) / columns, (top - bottom) / max(rows, 1)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        place = (left + column * width, top - (row + 1) * height, width * 0.985, height * 0.985)
        _draw_tile(figure.add_axes(place), tile, colours)


def _draw_tile(axes: Axes, tile: Tile, colours: Mapping[int, tuple[int, int, int]]) -> None:
    rows, columns = tile.image.shape
    height, width = rows * tile.spacing[0], columns * tile.spacing[1]
    axes.imshow(
        tile.image,
        cmap="gray",
        vmin=0,
        vmax=255,
        extent=(0, width, height, 0),
        interpolation="bilinear",
        aspect="equal",
    )
    # Outlines, so that what lies under them stays visible; the border lets a contour close at the edge.
    x = (np.arange(-1, columns + 1) + 0.5) * tile.spacing[1]
    y = (np.arange(-1, rows + 1) + 0.5) * tile.spacing[0]
    for label, colour in colours.items():
        mask = np.pad(tile.labels == label, 1)
        if mask.any():
            axes.contour(x, y, mask, levels=[0.5], colors=[tuple(part / 255 for part in colour)], linewidths=1.4)
    axes.set(xlim=(0, width), ylim=(height, 0), facecolor="black", xticks=[], yticks=[])
    axes.set_anchor("C")
    for spine in axes.spines.values():
        spine.set_visible(False)
    style = {
        "transform": axes.transAxes,
        "family": _FONT,
        "color": _TEXT,
        "fontsize": 11,
        "path_effects": [withStroke(linewidth=3, foreground="black")],
    }
    axes.text(0.02, 0.5, "R", va="center", ha="left", weight="bold", **style)  # type: ignore[arg-type]
    axes.text(0.98, 0.5, "L", va="center", ha="right", weight="bold", **style)  # type: ignore[arg-type]
    axes.text(0.02, 0.985, tile.name, va="top", ha="left", **style)  # type: ignore[arg-type]


def _draw_bars(figure: Figure, page: SummaryPage, box: tuple[float, float, float, float]) -> None:
    """Draw the chart: names in the middle, the patient's right to the left as in the pictures."""
    left, bottom, right, top = box
    axes = figure.add_axes((left, bottom, right - left, top - bottom))
    axes.set(facecolor=_PANEL, xticks=[], yticks=[], xlim=(-1.0, 1.0), ylim=(len(page.bars) + 0.1, -2.4))
    for spine in axes.spines.values():
        spine.set_visible(False)
    style = {"family": _FONT, "va": "center"}
    axes.text(-0.97, -1.75, page.bars_title, fontsize=14, color=_TEXT, weight="bold", **style)  # type: ignore[arg-type]
    axes.text(-0.97, -0.75, "RIGHT", fontsize=12, color=_RIGHT, weight="bold", **style)  # type: ignore[arg-type]
    axes.text(0.97, -0.75, "LEFT", fontsize=12, color=_LEFT, weight="bold", ha="right", **style)  # type: ignore[arg-type]
    largest = max(max(bar.left, bar.right) for bar in page.bars) or 1.0
    # Half the width holds half a name (0.28), the longest bar (0.26) and the text beside it.
    for row, bar in enumerate(page.bars):
        name = wrap(bar.name, 22)
        axes.text(
            0.0,
            row,
            "\n".join(name),
            fontsize=11 if len(name) == 1 else 9,
            linespacing=1.1,
            color=_TEXT,
            ha="center",
            **style,  # type: ignore[arg-type]
        )
        for side, value, text, colour in (
            (-1, bar.right, bar.right_text, _RIGHT),
            (1, bar.left, bar.left_text, _LEFT),
        ):
            length = 0.26 * value / largest
            if length:
                axes.barh(row, side * length, left=side * 0.28, height=0.62, color=colour)
            axes.text(
                side * (0.30 + length),
                row,
                text or f"{value:.2f}",
                fontsize=11,
                color=_TEXT if value else _FAINT,
                ha="left" if side > 0 else "right",
                **style,  # type: ignore[arg-type]
            )
