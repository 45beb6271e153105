from __future__ import annotations

import numpy as np

from operators.write.pages.picture_page import OutlinedPicture, PicturePage, draw_pictures

YELLOW = (255, 200, 40)


def page(count: int, *, spacing: tuple[float, float] = (1.0, 1.0)) -> np.ndarray:
    mask = np.zeros((60, 80), dtype=bool)
    mask[20:40, 30:60] = True
    picture = OutlinedPicture(np.full((60, 80), 0.4), mask, "frame 3", (((20, 30), (39, 59)),), spacing)
    return draw_pictures(PicturePage("Title", ["one line"], "not for clinical use", [picture] * count, YELLOW))


def outline_extent(drawn: np.ndarray) -> tuple[int, int]:
    places = np.argwhere((drawn == YELLOW).all(axis=-1))
    rows, columns = np.ptp(places, axis=0)
    return int(rows), int(columns)


def test_the_outline_lies_on_the_mask() -> None:
    rows, columns = outline_extent(page(1))
    # One picture fills the width of 1152 pixels: 14.4 of them a pixel.
    assert abs(rows - 20 * 14.4) < 6
    assert abs(columns - 30 * 14.4) < 6


def test_pictures_are_shown_in_true_proportions() -> None:
    rows, columns = outline_extent(page(1, spacing=(0.1, 0.3)))
    assert abs(rows / columns - 20 * 0.1 / (30 * 0.3)) < 0.02


def test_several_pictures_stand_in_two_columns() -> None:
    one, three = page(1), page(3)
    assert one.shape[1] == three.shape[1] == 1200
    assert (page(3) == three).all()


def test_a_caption_wider_than_its_picture_goes_on_below() -> None:
    def rows(caption: str) -> int:
        picture = OutlinedPicture(np.zeros((60, 80)), np.zeros((60, 80), dtype=bool), caption)
        drawn = draw_pictures(PicturePage("Title", ["one line"], "not for clinical use", [picture] * 2, YELLOW))
        # Nothing is written into the margin nor between the pictures.
        assert (drawn[:, :20] == drawn[0, 0]).all()
        assert (drawn[:, 590:610] == drawn[0, 0]).all()
        return len(drawn)

    assert rows("instance 1: 12.1 x 8.8 mm") == rows("") < rows("instance " + "1234567890" * 6 + ": 12.1 x 8.8 mm")


def test_a_line_is_broken_only_where_it_does_not_fit() -> None:
    picture = OutlinedPicture(np.zeros((60, 80)), np.zeros((60, 80), dtype=bool), "")

    def rows(line: str) -> int:
        return len(draw_pictures(PicturePage("Title", [line], "not for clinical use", [picture], YELLOW)))

    assert rows("l" * 200) == rows("one line")
    assert rows("W " * 100) > rows("one line")
