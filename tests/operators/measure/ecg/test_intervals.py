"""Formulas with answers worked out by hand."""

from __future__ import annotations

import pytest

from operators.measure.ecg.intervals import corrected_qt, frontal_axis


def test_corrected_qt() -> None:
    # At 60 beats a minute nothing is corrected.
    assert corrected_qt(400, 1.0) == pytest.approx({"Bazett": 400, "Fridericia": 400, "Framingham": 400, "Hodges": 400})
    # RR 0.64 s: square root 0.8; 93.75 beats a minute.
    found = corrected_qt(360, 0.64)
    assert found["Bazett"] == pytest.approx(450)
    assert found["Fridericia"] == pytest.approx(360 / 0.64 ** (1 / 3))
    assert found["Framingham"] == pytest.approx(360 + 154 * 0.36)
    assert found["Hodges"] == pytest.approx(360 + 1.75 * 33.75)


@pytest.mark.parametrize(("qt", "rr"), [(0, 1), (400, 0), (-1, 1)])
def test_what_is_not_positive_has_no_corrected_qt(qt: float, rr: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        corrected_qt(qt, rr)


@pytest.mark.parametrize(
    ("one", "foot", "degrees"),
    [(1, 0, 0), (0, 1, 90), (-1, 0, 180), (0, -1, -90), (0.5, 0.75, 60)],
)
def test_frontal_axis(one: float, foot: float, degrees: float) -> None:
    assert frontal_axis(one, foot) == pytest.approx(degrees, abs=0.01)


def test_nothing_has_no_axis() -> None:
    assert frontal_axis(0, 0) is None
