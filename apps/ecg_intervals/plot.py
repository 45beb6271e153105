"""The recording on millimetre paper, with its waves marked: 25 mm/s, 10 mm/mV."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from apps.ecg_intervals.measured import Measured
from apps.ecg_intervals.recording import Recording
from operators.manifest import Manifest
from operators.measure.ecg.analysis import EcgAnalysis
from operators.read.waveforms.ecg_leads import EcgLeads, with_derived_limb_leads

_PIXELS_PER_MILLIMETRE = 6
_MILLIMETRES_PER_SECOND = 25
_MILLIMETRES_PER_MILLIVOLT = 10
_PAGE_SECONDS = 10.0
_ROW_MILLIMETRES = 28
_HEADER_MILLIMETRES = 34
_MARGIN_MILLIMETRES = 4

_PAPER, _FINE, _COARSE = (255, 252, 250), (250, 222, 218), (238, 178, 170)
_TRACE, _TEXT, _MARK, _NOTICE = (20, 20, 30), (20, 20, 30), (30, 90, 170), (170, 60, 20)

_COLUMNS = (("I", "II", "III"), ("aVR", "aVL", "aVF"), ("V1", "V2", "V3"), ("V4", "V5", "V6"))
_RHYTHM_LEAD = "II"


def draw_plot(recording: Recording, measured: Measured, manifest: Manifest) -> NDArray[np.uint8]:
    """Draw the page, (row, column, 3) in sRGB: twelve leads and a rhythm strip, or each lead in a row of its own."""
    leads = _shown(recording)
    rows = _rows(leads)
    scale = _PIXELS_PER_MILLIMETRE
    width = round((_PAGE_SECONDS * _MILLIMETRES_PER_SECOND + 2 * _MARGIN_MILLIMETRES) * scale)
    height = round((_HEADER_MILLIMETRES + len(rows) * _ROW_MILLIMETRES + 2 * _MARGIN_MILLIMETRES) * scale)
    image = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(image)
    _draw_paper(draw, width, height)
    _draw_header(draw, measured, manifest)
    for index, row in enumerate(rows):
        middle = (_HEADER_MILLIMETRES + _MARGIN_MILLIMETRES + (index + 0.5) * _ROW_MILLIMETRES) * scale
        for column, name in enumerate(row):
            begin, end = (_PAGE_SECONDS * part / len(row) for part in (column, column + 1))
            _draw_lead(draw, leads, name, begin, end, middle)
        if index == len(rows) - 1:
            _draw_marks(draw, measured.analysis, middle)
    return np.asarray(image, dtype=np.uint8)


def _shown(recording: Recording) -> EcgLeads:
    """The first ten seconds with all leads, each about its own median."""
    leads = with_derived_limb_leads(recording.ecg.leads)
    signal = leads.signal[:, : round(_PAGE_SECONDS * leads.sampling_frequency)]
    return EcgLeads(leads.names, signal - np.median(signal, axis=1, keepdims=True), leads.sampling_frequency)


def _rows(leads: EcgLeads) -> list[tuple[str, ...]]:
    if all(name in leads.names for column in _COLUMNS for name in column):
        return [*zip(*_COLUMNS, strict=True), (_RHYTHM_LEAD,)]
    return [(name,) for name in leads.names]


def _draw_paper(draw: ImageDraw.ImageDraw, width: int, height: int) -> None:
    step = _PIXELS_PER_MILLIMETRE
    top = _HEADER_MILLIMETRES * step
    for colour, every in ((_FINE, 1), (_COARSE, 5)):
        for x in range(0, width, every * step):
            draw.line((x, top, x, height), fill=colour)
        for y in range(top, height, every * step):
            draw.line((0, y, width, y), fill=colour)


def _draw_header(draw: ImageDraw.ImageDraw, measured: Measured, manifest: Manifest) -> None:
    ecg, scale = measured.analysis, _PIXELS_PER_MILLIMETRE
    left = _MARGIN_MILLIMETRES * scale
    numbers = [
        f"Rate {ecg.rate:.0f} /min",
        *(f"{name} {value:.0f} ms" for name, value in (("PR", ecg.pr), ("QRS", ecg.qrs), ("QT", ecg.qt)) if value),
        *(f"QTc {name} {value:.0f} ms" for name, value in ecg.qtc.items()),
        *([f"Axis {ecg.qrs_axis:.0f} deg"] if ecg.qrs_axis is not None else []),
    ]
    draw.text((left, 2 * scale), manifest.application.title, fill=_TEXT, font=_font(30))
    draw.text((left, 9 * scale), "   ".join(numbers), fill=_TEXT, font=_font(20))
    flags = "; ".join(flag.finding.meaning for flag in measured.flags) or "no rule is met"
    draw.text((left, 14.5 * scale), f"{ecg.facts.rhythm.value.capitalize()}. {flags}", fill=_TEXT, font=_font(20))
    draw.text((left, 20 * scale), manifest.model.notice, fill=_NOTICE, font=_font(20))
    draw.text((left, 26 * scale), "25 mm/s   10 mm/mV   blue: P, QRS, end of T", fill=_TEXT, font=_font(16))


def _draw_lead(draw: ImageDraw.ImageDraw, leads: EcgLeads, name: str, begin: float, end: float, middle: float) -> None:
    lead = leads.lead(name)
    if lead is None:
        return
    first, last = (round(seconds * leads.sampling_frequency) for seconds in (begin, end))
    piece = lead[first:last]
    x = _x(begin + np.arange(len(piece)) / leads.sampling_frequency)
    limit = 0.48 * _ROW_MILLIMETRES * _PIXELS_PER_MILLIMETRE
    y = middle - np.clip(piece * _MILLIMETRES_PER_MILLIVOLT * _PIXELS_PER_MILLIMETRE, -limit, limit)
    if len(piece) > 1:
        draw.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill=_TRACE, width=2, joint="curve")
    label = (float(_x(np.array(begin))) + 6, middle - 0.46 * _ROW_MILLIMETRES * _PIXELS_PER_MILLIMETRE)
    draw.text(label, name, fill=_TEXT, font=_font(22))


def _draw_marks(draw: ImageDraw.ImageDraw, ecg: EcgAnalysis, middle: float) -> None:
    """Where P, QRS and T begin and end, below the rhythm strip."""
    base = middle + 0.42 * _ROW_MILLIMETRES * _PIXELS_PER_MILLIMETRE
    for beat in ecg.beats:
        for start, end in ((beat.p_onset, beat.p_end), (beat.qrs_onset, beat.qrs_end), (beat.qrs_end, beat.t_end)):
            if start is None or end is None or end > _PAGE_SECONDS:
                continue
            left, right = (float(_x(np.array(seconds))) for seconds in (start, end))
            draw.line((left, base, right, base), fill=_MARK, width=2)
            for x in (left, right):
                draw.line((x, base - 8, x, base + 8), fill=_MARK, width=2)


def _x(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    return (_MARGIN_MILLIMETRES + seconds * _MILLIMETRES_PER_SECOND) * _PIXELS_PER_MILLIMETRE


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
