"""The page is to scale, and marks and shades stand where they should."""

from __future__ import annotations

import numpy as np

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


def test_marks_and_shades_change_only_their_places() -> None:
    ecg = simulate_ecg()
    leads = EcgLeads(STANDARD_LEADS, ecg.leads, 500.0)
    plain = draw_ecg(leads, PAGE)
    for page in (
        EcgPage("Title", ["a line"], "not for clinical use", marks=[(2.0, 2.1)]),
        EcgPage("Title", ["a line"], "not for clinical use", shades=[Shade("II", 2.0, 2.1)]),
    ):
        columns = np.nonzero((draw_ecg(leads, page) != plain).any(axis=(0, 2)))[0]
        begin, end = ((4 + 25 * second) * PIXELS for second in (2.0, 2.1))
        assert begin - 2 <= columns.min() <= columns.max() <= end + 2


def test_a_shade_of_a_lead_that_is_not_shown_then_is_left_out() -> None:
    leads = EcgLeads(STANDARD_LEADS, simulate_ecg().leads, 500.0)
    # V1 stands from 5.0 to 7.5 s.
    page = EcgPage("Title", ["a line"], "not for clinical use", shades=[Shade("V1", 1.0, 1.4)])
    np.testing.assert_array_equal(draw_ecg(leads, page), draw_ecg(leads, PAGE))
