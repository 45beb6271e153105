from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from operators.read.values.display import Window
from operators.write.pages.outlined import outlined_slices

RED, GREEN = (255, 40, 30), (30, 230, 60)


def test_borders_have_the_labels_colour_and_all_else_is_grey() -> None:
    array = np.random.default_rng(0).integers(0, 1000, (3, 12, 14)).astype(np.int16)
    labels = np.random.default_rng(1).integers(0, 3, (3, 6, 7)).repeat(2, axis=1).repeat(2, axis=2)
    window = Window(500.0, 800.0)
    pictures = outlined_slices(array, labels, {1: RED, 2: GREEN}, window)
    assert pictures.dtype == np.uint8
    grey = np.rint(255 * window(array)).astype(np.uint8)
    for plane, marks, shade in zip(pictures, labels, grey, strict=True):
        border = np.zeros(marks.shape, bool)
        for label, colour in ((1, RED), (2, GREEN)):
            edge = (marks == label) & ~ndimage.binary_erosion(marks == label)
            assert (plane[edge] == colour).all()
            border |= edge
        assert (plane[~border] == shade[~border][:, None]).all()


def test_without_a_window_all_values_are_shown() -> None:
    array = np.linspace(-3.0, 5.0, 60).reshape(3, 4, 5)
    pictures = outlined_slices(array, np.zeros(array.shape, np.uint8), {})
    assert (pictures.min(), pictures.max()) == (0, 255)
    assert (np.diff(pictures[..., 0].ravel().astype(int)) >= 0).all()
    inverted = outlined_slices(array, np.zeros(array.shape, np.uint8), {}, inverted=True)
    assert np.abs(255 - inverted.astype(int) - pictures).max() <= 1


def test_what_does_not_fit_is_an_error() -> None:
    array = np.zeros((3, 4, 5))
    with pytest.raises(ValueError, match="do not lie on"):
        outlined_slices(array, np.zeros((3, 5, 4), np.uint8), {})
    with pytest.raises(ValueError, match=r"\[1\] have no colour"):
        outlined_slices(array, np.ones((3, 4, 5), np.uint8), {2: RED})
