"""Waiting for what should be seen: series in the list, a picture, an overlay that is where it should be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from selenium.common.exceptions import TimeoutException

from tests.viewers.browser import Viewer
from tests.viewers.examinations import COLOURS
from tests.viewers.marks import View, find_view
from tests.viewers.overlay import agreement, likeness

LEAST_DICE = 0.95
"""Demanded of each segment on each slice that is looked at; a shift by one pixel falls below it."""

LEAST_CORRELATION = 0.8
"""Demanded between a picture and the viewport that should show it, whose texts and controls cover a little of it."""

OVERLAY_SECONDS = 60.0
"""How long drawing may take; a wrong overlay fails after it."""


def wait_until_listed(viewer: Viewer, series: dict[str, str]) -> None:
    """Wait until series are in the list with their modalities, by description."""
    viewer.until(lambda: series.items() <= viewer.series().items())


def wait_for_picture(
    viewer: Viewer, picture: NDArray[np.uint8], folder: Path, *, others: Sequence[NDArray[np.uint8]] = ()
) -> None:
    """Wait until the viewport shows a picture, (row, column) or (row, column, 3), and none of ``others`` of its size.

    Fail with what is seen instead.
    """
    screenshot, found = viewer.screenshot(), [0.0]

    def is_shown() -> bool:
        nonlocal screenshot, found
        screenshot = viewer.screenshot()
        found = [likeness(screenshot, each) for each in (picture, *others)]
        return found[0] > LEAST_CORRELATION and found[0] == max(found)

    try:
        viewer.until(is_shown, OVERLAY_SECONDS)
    except TimeoutException:
        path = folder / "screenshot.png"
        Image.fromarray(screenshot).save(path)
        pytest.fail(f"the picture is not what is shown: correlation {found}; see {path}")


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
