"""An electrocardiogram on millimetre paper: 25 mm/s, 10 mm/mV, with marks below and parts shaded."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from operators.read.waveforms.ecg_leads import EcgLeads, with_derived_limb_leads

_PIXELS_PER_MILLIMETRE = 6
_MILLIMETRES_PER_SECOND = 25
_MILLIMETRES_PER_MILLIVOLT = 10
_PAGE_SECONDS = 10.0
_HALF_ROW_MILLIMETRES = 14
_TALLEST_MILLIMETRES = 60
"""So far up and down a row may grow; what is taller is cut, and the page says so."""
_LABEL_MILLIMETRES = 6
_LABEL_SECONDS = 0.4
_LINE_MILLIMETRES = 5.5
_LINE_CHARACTERS = 160
_MARGIN_MILLIMETRES = 4
_PULSE_MILLIMETRES = (2.0, 4.5, 9.5, 12.0)
"""From the left edge: where the calibration pulse's baseline begins, it rises, falls, and its baseline ends."""
_LEFT_MILLIMETRES = 14
_PULSE_MILLIVOLT = 1.0
_MARKS_MILLIMETRES = 4

_PAPER, _FINE, _COARSE = (255, 252, 250), (250, 222, 218), (238, 178, 170)
_TRACE, _TEXT, _MARK, _NOTICE, _SHADE = (20, 20, 30), (20, 20, 30), (30, 90, 170), (170, 60, 20), (255, 226, 140)

_COLUMNS = (("I", "II", "III"), ("aVR", "aVL", "aVF"), ("V1", "V2", "V3"), ("V4", "V5", "V6"))
_RHYTHM_LEAD = "II"


@dataclass(frozen=True)
class _Row:
    """Leads beside each other; how far (mm) the row reaches ``above`` and ``below`` its baseline at ``middle`` (px)."""

    leads: tuple[str, ...]
    above: float
    below: float
    middle: float = 0.0


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

    A row for each lead also where parts are shaded, as each may lie where the other layout shows another lead. Before
    each row stands a pulse of 1 mV. A row is as high as its waves; of waves of more than 6 mV the rest is cut, which
    the page says.
    """
    leads = _shown(leads)
    scale, cut = _PIXELS_PER_MILLIMETRE, _cut(leads)
    lines = _header_lines(page, cut)
    top = round((2 * _MARGIN_MILLIMETRES + 8 + _LINE_MILLIMETRES * len(lines)) * scale)
    width = round((_LEFT_MILLIMETRES + _PAGE_SECONDS * _MILLIMETRES_PER_SECOND + _MARGIN_MILLIMETRES) * scale)
    measured = [_measured(leads, row) for row in _rows(leads, page)]
    if page.marks:
        measured[-1] = replace(measured[-1], below=measured[-1].below + _MARKS_MILLIMETRES)
    rows, bottom = _placed(measured, top)
    height = round(bottom + _MARGIN_MILLIMETRES * scale)
    image = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(image)
    for row in rows:
        _draw_shades(draw, page, row)
    _draw_paper(draw, width, top, height)
    _draw_header(draw, page, lines)
    for row in rows:
        _draw_pulse(draw, row)
        for name, (begin, end) in _places(row.leads).items():
            _draw_lead(draw, leads, name, (begin, end), row)
    _draw_marks(draw, page, rows[-1])
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


def _piece(leads: EcgLeads, name: str, begin: float, end: float) -> NDArray[np.float64]:
    """What is shown of a lead, in mm above the baseline, cut at what a row may reach."""
    lead = leads.lead(name)
    if lead is None:
        return np.empty(0)
    first, last = (round(seconds * leads.sampling_frequency) for seconds in (begin, end))
    millimetres = lead[first:last] * _MILLIMETRES_PER_MILLIVOLT
    return np.asarray(np.clip(millimetres, -_TALLEST_MILLIMETRES, _TALLEST_MILLIMETRES))


def _cut(leads: EcgLeads) -> list[str]:
    """The leads with waves that no row is high enough for."""
    tallest = np.abs(leads.signal).max(axis=1) * _MILLIMETRES_PER_MILLIVOLT
    return [name for name, height in zip(leads.names, tallest, strict=True) if height > _TALLEST_MILLIMETRES]


def _measured(leads: EcgLeads, names: tuple[str, ...]) -> _Row:
    """A row that is high enough for its leads' waves, and for their names above the waves that begin there."""
    above = below = float(_HALF_ROW_MILLIMETRES)
    for name, (begin, end) in _places(names).items():
        piece = _piece(leads, name, begin, end)
        beside = piece[: round(_LABEL_SECONDS * leads.sampling_frequency)]
        above = max(above, piece.max(initial=0) + 1, beside.max(initial=0) + _LABEL_MILLIMETRES)
        below = max(below, 1 - piece.min(initial=0))
    return _Row(names, above, below)


def _placed(rows: Sequence[_Row], top: int) -> tuple[list[_Row], float]:
    """The rows below each other from ``top`` (px), and where the last one ends (px)."""
    placed, y = [], top + _MARGIN_MILLIMETRES * _PIXELS_PER_MILLIMETRE * 1.0
    for row in rows:
        placed.append(replace(row, middle=y + row.above * _PIXELS_PER_MILLIMETRE))
        y += (row.above + row.below) * _PIXELS_PER_MILLIMETRE
    return placed, y


def _draw_shades(draw: ImageDraw.ImageDraw, page: EcgPage, row: _Row) -> None:
    above, below = ((reach - 1) * _PIXELS_PER_MILLIMETRE for reach in (row.above, row.below))
    places = _places(row.leads)
    for shade in page.shades:
        if shade.lead not in places:
            continue
        begin, end = max(shade.start, places[shade.lead][0]), min(shade.end, places[shade.lead][1])
        if begin < end:
            left, right = (float(_x(np.array(seconds))) for seconds in (begin, end))
            draw.rectangle((left, row.middle - above, right, row.middle + below), fill=_SHADE)


def _draw_paper(draw: ImageDraw.ImageDraw, width: int, top: int, height: int) -> None:
    step = _PIXELS_PER_MILLIMETRE
    for colour, every in ((_FINE, 1), (_COARSE, 5)):
        for x in range(0, width, every * step):
            draw.line((x, top, x, height), fill=colour)
        for y in range(top, height, every * step):
            draw.line((0, y, width, y), fill=colour)


def _header_lines(page: EcgPage, cut: Sequence[str]) -> list[tuple[str, tuple[int, int, int]]]:
    """The lines below the title with their colours."""
    key = "25 mm/s   10 mm/mV" + (f"   {page.key}" if page.key else "")
    told = [(line, _TEXT) for text in page.lines for line in textwrap.wrap(text, _LINE_CHARACTERS) or [""]]
    warned = [f"waves of more than {_TALLEST_MILLIMETRES // _MILLIMETRES_PER_MILLIVOLT} mV cut in {', '.join(cut)}"]
    return [*told, *((line, _NOTICE) for line in (warned if cut else [])), (page.notice, _NOTICE), (key, _TEXT)]


def _draw_header(draw: ImageDraw.ImageDraw, page: EcgPage, lines: Sequence[tuple[str, tuple[int, int, int]]]) -> None:
    scale = _PIXELS_PER_MILLIMETRE
    left, y = _MARGIN_MILLIMETRES * scale, _MARGIN_MILLIMETRES * scale
    draw.text((left, y), page.title, fill=_TEXT, font=_font(30))
    y += 8 * scale
    for line, colour in lines:
        draw.text((left, y), line, fill=colour, font=_font(20))
        y += round(_LINE_MILLIMETRES * scale)


def _draw_pulse(draw: ImageDraw.ImageDraw, row: _Row) -> None:
    """1 mV for 0.2 s, as a cardiograph writes before each row to show its scale."""
    begin, rise, fall, end = (place * _PIXELS_PER_MILLIMETRE for place in _PULSE_MILLIMETRES)
    high = row.middle - _PULSE_MILLIVOLT * _MILLIMETRES_PER_MILLIVOLT * _PIXELS_PER_MILLIMETRE
    corners = [(begin, row.middle), (rise, row.middle), (rise, high), (fall, high), (fall, row.middle)]
    draw.line([*corners, (end, row.middle)], fill=_TRACE, width=2)


def _draw_lead(draw: ImageDraw.ImageDraw, leads: EcgLeads, name: str, shown: tuple[float, float], row: _Row) -> None:
    piece = _piece(leads, name, *shown)
    if not len(piece):
        return
    x = _x(shown[0] + np.arange(len(piece)) / leads.sampling_frequency)
    y = row.middle - piece * _PIXELS_PER_MILLIMETRE
    if len(piece) > 1:
        draw.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill=_TRACE, width=2, joint="curve")
    label = (float(_x(np.array(shown[0]))) + 6, row.middle - (row.above - 0.5) * _PIXELS_PER_MILLIMETRE)
    draw.text(label, name, fill=_TEXT, font=_font(22))


def _draw_marks(draw: ImageDraw.ImageDraw, page: EcgPage, row: _Row) -> None:
    base = row.middle + (row.below - 2) * _PIXELS_PER_MILLIMETRE
    for start, end in page.marks:
        if start < 0 or end > _PAGE_SECONDS:
            continue
        left, right = (float(_x(np.array(seconds))) for seconds in (start, end))
        draw.line((left, base, right, base), fill=_MARK, width=2)
        for x in (left, right):
            draw.line((x, base - 8, x, base + 8), fill=_MARK, width=2)


def _x(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    return (_LEFT_MILLIMETRES + seconds * _MILLIMETRES_PER_SECOND) * _PIXELS_PER_MILLIMETRE


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
