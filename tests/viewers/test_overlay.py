"""A picture is recognised on the screen whatever its size, and although controls lie over it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from phantoms.sonography import Lesion, simulate_breast
from tests.viewers.overlay import likeness

HEIGHT, WIDTH = 480, 900


@pytest.fixture(scope="module")
def picture() -> NDArray[np.uint8]:
    return simulate_breast(Lesion.BENIGN, seed=3, shape=(160, 220)).image


def screen(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A viewport that shows a picture as large as it fits, with a dark bar over it."""
    width = round(picture.shape[1] * HEIGHT / picture.shape[0])
    found = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    left = (WIDTH - width) // 2
    shown = Image.fromarray(picture).resize((width, HEIGHT), Image.Resampling.NEAREST)
    found[:, left : left + width] = np.asarray(shown)[..., np.newaxis]
    found[20:70, 300:600] = (10, 10, 40)
    return found


def test_what_is_shown_is_recognised(picture: NDArray[np.uint8]) -> None:
    assert likeness(screen(picture), picture) > 0.9
    assert likeness(screen(picture), np.repeat(picture[..., np.newaxis], 3, axis=-1)) > 0.9


def test_what_is_not_shown_is_not(picture: NDArray[np.uint8]) -> None:
    other = simulate_breast(Lesion.BENIGN, seed=4, shape=(160, 220)).image
    for wrong in (other, picture[::-1], picture[:, ::-1], np.roll(picture, 8, axis=1)):
        assert likeness(screen(picture), wrong) < 0.6
    assert likeness(np.zeros((HEIGHT, WIDTH, 3), np.uint8), picture) == 0
