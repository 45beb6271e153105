"""Waiting for an overlay that is where it should be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from selenium.common.exceptions import TimeoutException

from tests.viewers.browser import Viewer
from tests.viewers.examinations import COLOURS
from tests.viewers.marks import View, find_view
from tests.viewers.overlay import agreement

LEAST_DICE = 0.95
"""Demanded of each segment on each slice that is looked at; a shift by one pixel falls below it."""

OVERLAY_SECONDS = 60.0
"""How long drawing may take; a wrong overlay fails after it."""


def wait_for_overlay(
    viewer: Viewer, labels: NDArray[np.uint8], numbers: set[int], folder: Path, *, outlines: bool = False
) -> tuple[NDArray[np.uint8], View]:
    """Wait until one of these slices is shown with its labels over it; fail with what is seen instead.

    With ``outlines`` the viewer draws their contours only.
    """
    screenshot, view, found = viewer.screenshot(), None, {}

    def is_shown() -> bool:
        nonlocal screenshot, view, found
        screenshot = viewer.screenshot()
        view = find_view(screenshot, *labels.shape[1:])
        found = {} if view is None else agreement(screenshot, view, labels, COLOURS, outlines=outlines)
        return view is not None and view.number in numbers and min(found.values()) >= LEAST_DICE

    try:
        viewer.until(is_shown, OVERLAY_SECONDS)
    except TimeoutException:
        path = folder / "screenshot.png"
        Image.fromarray(screenshot).save(path)
        pytest.fail(f"the overlay is not where the mask is: {view}, Dice {found}; see {path}")
    assert view is not None
    return screenshot, view
