"""The page is to scale, and marks and shades stand where they should."""

from __future__ import annotations

import numpy as np
import pytest

from operators.read.waveforms.ecg_leads import STANDARD_LEADS, EcgLeads
from operators.write.pages.ecg_paper import EcgPage, Shade, draw_ecg
from phantoms.ecg import simulate_ecg

PIXELS = 6
LEFT = 14
HEADER = 27 * PIXELS
PAGE = EcgPage("Title", ["a line"], "not for clinical use")


def trace_of(image: np.ndarray) -> np.ndarray:
    """Where something dark is drawn below a header without a line."""
    image = image[HEADER:]
    return image.astype(int).sum(axis=2) < 150


def test_a_millivolt_is_a_centimetre_high_and_a_second_is_25_millimetres_long() -> None:
    # One lead: 1 mV from 2 to 4 s, on a page without words.
    signal = np.zeros((1, 5000))
    signal[0, 1000:2000] = 1.0
    image = draw_ecg(EcgLeads(("II",), signal, 500.0), EcgPage("", [], ""))
    rows, columns = np.nonzero(trace_of(image)[-28 * PIXELS :, 200:])
    heights = {int(column): int(rows[columns == column].min()) for column in (50, 250, 430, 900)}
    margin = LEFT * PIXELS
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
    assert twelve.shape[1] == pair.shape[1] == (LEFT + 250 + 4) * PIXELS
    assert twelve.shape[0] - pair.shape[0] == 2 * 28 * PIXELS, "four rows against two"


@pytest.mark.parametrize(
    ("page", "plain"),
    [
        (EcgPage("", [], "", marks=[(2.0, 2.1)]), EcgPage("", [], "", marks=[(20.0, 20.1)])),
        (EcgPage("", [], "", shades=[Shade("II", 2.0, 2.1)]), EcgPage("", [], "", shades=[Shade("II", 20.0, 20.1)])),
        # Of V4 a page of twelve leads would show 7.5 to 10 s only.
        (EcgPage("", [], "", shades=[Shade("V4", 2.0, 2.1)]), EcgPage("", [], "", shades=[Shade("V4", 20.0, 20.1)])),
        (EcgPage("", [], "", shades=[Shade("V1", 2.0, 2.1)]), EcgPage("", [], "", shades=[Shade("V1", 20.0, 20.1)])),
    ],
)
def test_marks_and_shades_change_only_their_places(page: EcgPage, plain: EcgPage) -> None:
    leads = EcgLeads(STANDARD_LEADS, simulate_ecg().leads, 500.0)
    columns = np.nonzero((draw_ecg(leads, page) != draw_ecg(leads, plain)).any(axis=(0, 2)))[0]
    begin, end = ((LEFT + 25 * second) * PIXELS for second in (2.0, 2.1))
    assert begin - 2 <= columns.min() <= columns.max() <= end + 2


def test_a_calibration_pulse_stands_before_each_row() -> None:
    trace = trace_of(draw_ecg(EcgLeads(("V1", "V2"), np.zeros((2, 5000)), 500.0), EcgPage("", [], "")))
    before = trace[:, : (LEFT - 1) * PIXELS]
    tops = np.nonzero(before.sum(axis=1) >= 5 * PIXELS)[0]
    rises = np.nonzero(before.sum(axis=0) >= 2 * 10 * PIXELS)[0]
    assert np.diff(tops).max() >= 10 * PIXELS
    # 1 mV for 0.2 s is 5 mm long and 10 mm high.
    assert np.ptp(rises) in range(5 * PIXELS, 5 * PIXELS + 3)
    assert 2 * 10 * PIXELS <= before[:, rises[0]].sum() <= 2 * (10 * PIXELS + 3)


@pytest.mark.parametrize("millivolts", [2.0, -3.0, 5.5])
def test_a_tall_wave_is_drawn_whole_and_stays_in_its_row(millivolts: float) -> None:
    signal = np.zeros((3, 5000))
    signal[1, 2500:2510] = millivolts
    trace = trace_of(draw_ecg(EcgLeads(("V1", "V2", "V3"), signal, 500.0), EcgPage("", [], "")))
    column = round((LEFT + 25 * 5.01) * PIXELS)
    baselines = np.nonzero(trace[:, column - 100])[0]
    upper, own, lower = baselines[0], int(np.median(baselines)), baselines[-1]
    rows = np.nonzero(trace[:, column - 2 : column + 2].any(axis=1))[0]
    rows = rows[(rows > upper + 2) & (rows < lower - 2)]
    reached = own - rows.min() if millivolts > 0 else rows.max() - own
    assert reached == pytest.approx(10 * abs(millivolts) * PIXELS, abs=3)


def test_a_wave_that_no_row_is_high_enough_for_is_told() -> None:
    signal = np.zeros((1, 5000))
    signal[0, 2500:2510] = 9.0
    page = EcgPage("", [], "")
    cut, whole = (draw_ecg(EcgLeads(("II",), size * signal, 500.0), page) for size in (1.0, 6.0 / 9.0))
    assert cut.shape[0] - whole.shape[0] == round(5.5 * PIXELS), "one more line, which says so"


def test_the_name_of_a_lead_does_not_lie_on_its_trace() -> None:
    signal = np.zeros((1, 5000))
    signal[0, 50:150] = 1.2
    low = draw_ecg(EcgLeads(("V3",), 0 * signal, 500.0), EcgPage("", [], ""))
    tall = draw_ecg(EcgLeads(("V3",), signal, 500.0), EcgPage("", [], ""))
    # From 12 mm above the baseline the name needs 6 more.
    assert tall.shape[0] - low.shape[0] == (12 + 6 - 14) * PIXELS
