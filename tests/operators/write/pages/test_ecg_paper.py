"""The page is to scale, and marks and shades stand where they should."""

from __future__ import annotations

import numpy as np
import pytest

from operators.read.waveforms.ecg_leads import STANDARD_LEADS, EcgLeads
from operators.write.pages.ecg_paper import EcgPage, Shade, draw_ecg
from phantoms.ecg import simulate_ecg

PIXELS = 6
PAGE = EcgPage("Title", ["a line"], "not for clinical use")


def trace_of(image: np.ndarray) -> np.ndarray:
    return image.astype(int).sum(axis=2) < 150


def test_a_millivolt_is_a_centimetre_high_and_a_second_is_25_millimetres_long() -> None:
    # One lead: 1 mV from 2 to 4 s, on a page without words.
    signal = np.zeros((1, 5000))
    signal[0, 1000:2000] = 1.0
    image = draw_ecg(EcgLeads(("II",), signal, 500.0), EcgPage("", [], ""))
    rows, columns = np.nonzero(trace_of(image)[-28 * PIXELS :, 200:])
    heights = {int(column): int(rows[columns == column].min()) for column in (50, 250, 430, 900)}
    margin = 4 * PIXELS
    begin, end = (margin + 25 * PIXELS * second - 200 for second in (2, 4))
    high = [column for column in heights if begin < column < end]
    low = [column for column in heights if not begin < column < end]
    assert high
    assert low
    assert {heights[a] - heights[b] for a in low for b in high} <= {59, 60, 61}


def test_twelve_leads_and_a_rhythm_strip() -> None:
    ecg = simulate_ecg()
    twelve = draw_ecg(EcgLeads(STANDARD_LEADS, ecg.leads, 500.0), PAGE)
    pair = draw_ecg(EcgLeads(("II", "V5"), ecg.leads[[1, 10]], 500.0), PAGE)
    assert twelve.dtype == np.uint8
    assert twelve.shape[1] == pair.shape[1] == (250 + 8) * PIXELS
    assert twelve.shape[0] - pair.shape[0] == 2 * 28 * PIXELS, "four rows against two"


@pytest.mark.parametrize(
    ("page", "plain"),
    [
        (EcgPage("", [], "", marks=[(2.0, 2.1)]), EcgPage("", [], "")),
        (EcgPage("", [], "", shades=[Shade("II", 2.0, 2.1)]), EcgPage("", [], "", shades=[Shade("II", 20.0, 20.1)])),
        (EcgPage("", [], "", shades=[Shade("V1", 2.0, 2.1)]), EcgPage("", [], "", shades=[Shade("V1", 20.0, 20.1)])),
    ],
)
def test_marks_and_shades_change_only_their_places(page: EcgPage, plain: EcgPage) -> None:
    leads = EcgLeads(STANDARD_LEADS, simulate_ecg().leads, 500.0)
    columns = np.nonzero((draw_ecg(leads, page) != draw_ecg(leads, plain)).any(axis=(0, 2)))[0]
    begin, end = ((4 + 25 * second) * PIXELS for second in (2.0, 2.1))
    assert begin - 2 <= columns.min() <= columns.max() <= end + 2


def test_a_tall_wave_is_not_cut_off() -> None:
    signal = np.zeros((2, 5000))
    signal[1, 2500:2510] = 2.0
    trace = trace_of(draw_ecg(EcgLeads(("I", "II"), signal, 500.0), EcgPage("", [], "")))
    column = round((4 + 25 * 5.01) * PIXELS)
    rows = np.nonzero(trace[:, column - 2 : column + 2].any(axis=1))[0]
    # From the baseline of lead II to 20 mm above it, through the row of lead I.
    assert np.ptp(rows) >= 20 * PIXELS - 2
