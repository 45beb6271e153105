from __future__ import annotations

import numpy as np
import pytest

from operators.measure.thickness import greatest_thickness


def test_a_lens_is_as_thick_as_it_is_in_its_middle() -> None:
    rows, columns = np.indices((120, 200), dtype=float)
    upper, lower = 60 - 20 * (1 - ((columns - 100) / 80) ** 2), 60 + 10 * (1 - ((columns - 100) / 80) ** 2)
    found = greatest_thickness((rows > upper) & (rows < lower), 0.1)
    assert found.length == pytest.approx(3.0, abs=0.11)
    (top, left), (bottom, right) = found.ends
    assert left == right == pytest.approx(100, abs=5)
    assert (bottom - top) * 0.1 == pytest.approx(found.length)
    assert top == pytest.approx(40, abs=1)


def test_a_leaning_layer_is_measured_along_the_beam() -> None:
    rows, columns = np.indices((200, 200))
    assert greatest_thickness((rows >= columns) & (rows < columns + 14), 0.5).length == 7.0


def test_what_a_gap_parts_is_not_added_up() -> None:
    mask = np.zeros((20, 5), dtype=bool)
    mask[2:6, 2] = mask[8:14, 2] = True
    mask[3:8, 4] = True
    found = greatest_thickness(mask)
    assert found.length == 6
    assert found.ends == ((7.5, 2.0), (13.5, 2.0))


def test_of_equal_ones_the_middle_is_drawn() -> None:
    mask = np.zeros((9, 11), dtype=bool)
    mask[0:4, 2:9] = True
    found = greatest_thickness(mask, 0.25)
    assert found.length == 1.0
    assert found.ends == ((-0.5, 5.0), (3.5, 5.0))


def test_an_empty_mask_has_none() -> None:
    with pytest.raises(ValueError, match="empty"):
        greatest_thickness(np.zeros((4, 4), dtype=bool))
