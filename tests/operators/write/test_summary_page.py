from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from operators.write.summary_page import HEIGHT, WIDTH, BarPair, Picture, SummaryPage, render_summary
from tests.operators.write.pages.test_montage import head

GREEN = (0, 255, 0)


def page(orientation: str = "sagittal") -> SummaryPage:
    volume, array, labels = head(orientation, False)
    return SummaryPage(
        title="Lesions by region",
        figures=[("Total", "3.2 mL"), ("Lesions", "1")],
        picture=Picture(array, volume.affine, labels, {1: GREEN}),
        lines=["Sequences: 3 T2 FLAIR."],
        notice="not for clinical use",
        bars_title="Volume",
        bars=[BarPair("Frontal", left=3.0, right=0.0), BarPair("Parietal", left=0.0, right=1.0)],
    )


def pixels_of(image: NDArray[np.uint8], colour: tuple[int, int, int]) -> NDArray[np.int64]:
    return np.argwhere((image == np.array(colour)).all(axis=2))


def test_the_lesion_is_outlined_on_its_side_of_every_tile() -> None:
    image = render_summary(page())
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert image.dtype == np.uint8
    outline = pixels_of(image, GREEN)
    assert len(outline) > 20
    tile_width = (0.585 - 0.02) / 4 * WIDTH
    across = (outline[:, 1] - 0.02 * WIDTH) / tile_width
    assert (across % 1 > 0.5).all()
    assert across.max() < 4


def test_bars_lie_on_the_side_of_the_pictures() -> None:
    image = render_summary(page())
    middle = (0.597 + 0.985) / 2 * WIDTH
    left = pixels_of(image, (0x4E, 0xA1, 0xE0))
    right = pixels_of(image, (0xE8, 0x87, 0x5A))
    assert (left[:, 1] > middle).all()
    assert (right[:, 1] < middle).all()
    assert len(left) > 2 * len(right)


def test_the_same_page_gives_the_same_bytes() -> None:
    assert render_summary(page()).tobytes() == render_summary(page()).tobytes()


def test_a_page_can_be_bare() -> None:
    full = page()
    labels = np.zeros_like(full.picture.labels)
    bare = SummaryPage("Nothing found", [], replace(full.picture, labels=labels))
    assert render_summary(bare).shape == (HEIGHT, WIDTH, 3)
    zero = replace(full, bars=[BarPair("Frontal", 0.0, 0.0)])
    assert render_summary(zero).shape == (HEIGHT, WIDTH, 3)
