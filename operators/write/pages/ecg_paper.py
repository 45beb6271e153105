"""An electrocardiogram on millimetre paper: 25 mm/s, 10 mm/mV, with marks below and parts shaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from operators.read.waveforms.ecg_leads import EcgLeads, with_derived_limb_leads

_PIXELS_PER_MILLIMETRE = 6
_MILLIMETRES_PER_SECOND = 25
_MILLIMETRES_PER_MILLIVOLT = 10
_PAGE_SECONDS = 10.0
_ROW_MILLIMETRES = 28
_LINE_MILLIMETRES = 5.5
_MARGIN_MILLIMETRES = 4

_PAPER, _FINE, _COARSE = (255, 252, 250), (250, 222, 218), (238, 178, 170)
_TRACE, _TEXT, _MARK, _NOTICE, _SHADE = (20, 20, 30), (20, 20, 30), (30, 90, 170), (170, 60, 20), (255, 226, 140)

_COLUMNS = (("I", "II", "III"), ("aVR", "aVL", "aVF"), ("V1", "V2", "V3"), ("V4", "V5", "V6"))
_RHYTHM_LEAD = "II"


@dataclass(frozen=True)
class Shade:
    """A part of one lead to look at, in s from the start of the recording."""

    lead: str
    start: float
    end: float


@dataclass(frozen=True)
class EcgPage:
    """Content of a page. It must not name the patient: the viewer does, from the header.

    ``lines`` stand below the title, ``notice`` as a warning, ``key`` explains marks and shades. ``marks`` are spans (s)
    drawn below the last row, ``shades`` parts of leads.
    """

    title: str
    lines: Sequence[str]
    notice: str
    key: str = ""
    marks: Sequence[tuple[float, float]] = ()
    shades: Sequence[Shade] = ()


def draw_ecg(leads: EcgLeads, page: EcgPage) -> NDArray[np.uint8]:
    """Draw the first ten seconds, (row, column, 3) in sRGB: twelve leads and a rhythm strip, or a row for each lead.

    A row for each lead also where parts are shaded, as each may lie where the other layout shows another lead.
    """
    leads = _shown(leads)
    rows, scale = _rows(leads, page), _PIXELS_PER_MILLIMETRE
    top = round((2 * _MARGIN_MILLIMETRES + 8 + _LINE_MILLIMETRES * (len(page.lines) + 2)) * scale)
    width = round((_PAGE_SECONDS * _MILLIMETRES_PER_SECOND + 2 * _MARGIN_MILLIMETRES) * scale)
    height = top + round((len(rows) * _ROW_MILLIMETRES + 2 * _MARGIN_MILLIMETRES) * scale)
    image = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(image)
    middles = [top + (_MARGIN_MILLIMETRES + (index + 0.5) * _ROW_MILLIMETRES) * scale for index in range(len(rows))]
    for row, middle in zip(rows, middles, strict=True):
        _draw_shades(draw, page, row, middle)
    _draw_paper(draw, width, top, height)
    _draw_header(draw, page)
    for row, middle in zip(rows, middles, strict=True):
        for name, (begin, end) in _places(row).items():
            # A tall wave reaches into the row above, as on a cardiograph's paper, but not into the header.
            _draw_lead(draw, leads, name, (begin, end), middle, top)
    _draw_marks(draw, page, middles[-1])
    return np.asarray(image, dtype=np.uint8)


def _shown(leads: EcgLeads) -> EcgLeads:
    """The first ten seconds with all leads, each about its own median."""
    leads = with_derived_limb_leads(leads.first(_PAGE_SECONDS))
    middle = np.median(leads.signal, axis=1, keepdims=True)
    return EcgLeads(leads.names, leads.signal - middle, leads.sampling_frequency)


def _rows(leads: EcgLeads, page: EcgPage) -> list[tuple[str, ...]]:
    if not page.shades and all(name in leads.names for column in _COLUMNS for name in column):
        return [*zip(*_COLUMNS, strict=True), (_RHYTHM_LEAD,)]
    return [(name,) for name in leads.names]


def _places(row: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """When each lead of a row is shown: one after the other, as a cardiograph prints them."""
    part = _PAGE_SECONDS / len(row)
    return {name: (column * part, (column + 1) * part) for column, name in enumerate(row)}


def _draw_shades(draw: ImageDraw.ImageDraw, page: EcgPage, row: tuple[str, ...], middle: float) -> None:
    half = 0.47 * _ROW_MILLIMETRES * _PIXELS_PER_MILLIMETRE
    places = _places(row)
    for shade in page.shades:
        if shade.lead not in places:
            continue
        begin, end = max(shade.start, places[shade.lead][0]), min(shade.end, places[shade.lead][1])
        if begin < end:
            left, right = (float(_x(np.array(seconds))) for seconds in (begin, end))
            draw.rectangle((left, middle - half, right, middle + half), fill=_SHADE)


def _draw_paper(draw: ImageDraw.ImageDraw, width: int, top: int, height: int) -> None:
    step = _PIXELS_PER_MILLIMETRE
    for colour, every in ((_FINE, 1), (_COARSE, 5)):
        for x in range(0, width, every * step):
            draw.line((x, top, x, height), fill=colour)
        for y in range(top, height, every * step):
            draw.line((0, y, width, y), fill=colour)


def _draw_header(draw: ImageDraw.ImageDraw, page: EcgPage) -> None:
    scale = _PIXELS_PER_MILLIMETRE
    left, y = _MARGIN_MILLIMETRES * scale, _MARGIN_MILLIMETRES * scale
    draw.text((left, y), page.title, fill=_TEXT, font=_font(30))
    y += 8 * scale
    key = "25 mm/s   10 mm/mV" + (f"   {page.key}" if page.key else "")
    for line, colour in [*((line, _TEXT) for line in page.lines), (page.notice, _NOTICE), (key, _TEXT)]:
        draw.text((left, y), line, fill=colour, font=_font(20))
        y += round(_LINE_MILLIMETRES * scale)


def _draw_lead(
    draw: ImageDraw.ImageDraw, leads: EcgLeads, name: str, shown: tuple[float, float], middle: float, top: float
) -> None:
    lead = leads.lead(name)
    if lead is None:
        return
    begin, end = shown
    first, last = (round(seconds * leads.sampling_frequency) for seconds in (begin, end))
    piece = lead[first:last]
    x = _x(begin + np.arange(len(piece)) / leads.sampling_frequency)
    y = np.maximum(middle - piece * _MILLIMETRES_PER_MILLIVOLT * _PIXELS_PER_MILLIMETRE, top)
    if len(piece) > 1:
        draw.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill=_TRACE, width=2, joint="curve")
    label = (float(_x(np.array(begin))) + 6, middle - 0.46 * _ROW_MILLIMETRES * _PIXELS_PER_MILLIMETRE)
    draw.text(label, name, fill=_TEXT, font=_font(22))


def _draw_marks(draw: ImageDraw.ImageDraw, page: EcgPage, middle: float) -> None:
    base = middle + 0.42 * _ROW_MILLIMETRES * _PIXELS_PER_MILLIMETRE
    for start, end in page.marks:
        if start < 0 or end > _PAGE_SECONDS:
            continue
        left, right = (float(_x(np.array(seconds))) for seconds in (start, end))
        draw.line((left, base, right, base), fill=_MARK, width=2)
        for x in (left, right):
            draw.line((x, base - 8, x, base + 8), fill=_MARK, width=2)


def _x(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    return (_MARGIN_MILLIMETRES + seconds * _MILLIMETRES_PER_SECOND) * _PIXELS_PER_MILLIMETRE


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
