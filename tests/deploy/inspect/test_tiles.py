from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deploy.inspect.contact_sheet import draw_contact_sheet, save_contact_sheet
from deploy.inspect.orientation import orientation
from deploy.inspect.tiles import TILE, Pictures, Tile, Trace, evenly, frame_pictures, volume_pictures, waveform_pictures
from operators.read.study import read_study
from operators.read.volume import read_volume
from operators.read.waveform import read_waveform
from phantoms.faults import set_attributes
from phantoms.waveforms import Channel, Group
from tests.deploy.inspect.folders import ct, ultrasound
from tests.operators.read.recordings import LEAD_II, dataset, written
from tests.operators.read.slices import rotated


@pytest.mark.parametrize(
    ("length", "count", "expected"), [(3, 6, [0, 1, 2]), (6, 6, [0, 1, 2, 3, 4, 5]), (12, 3, [2, 6, 10]), (0, 6, [])]
)
def test_places_are_evenly_spaced(length: int, count: int, expected: list[int]) -> None:
    assert evenly(length, count) == expected


def test_a_ct_is_shown_in_its_own_window_and_with_square_pixels(tmp_path: Path) -> None:
    set_attributes(ct(tmp_path), WindowCenter="-500", WindowWidth="1000")
    (series,) = read_study(tmp_path).series
    tile = volume_pictures([read_volume(series)]).tiles[2]
    # 16 rows of 3 mm, 16 columns of 2 mm.
    assert tile.image.shape == (TILE, round(TILE * 2 / 3))
    assert tile.image[TILE // 2, TILE // 3] > 250
    assert tile.image[5, 5] < 5


def test_monochrome1_is_shown_inverted(tmp_path: Path) -> None:
    set_attributes(ct(tmp_path), PhotometricInterpretation="MONOCHROME1")
    (series,) = read_study(tmp_path).series
    tile = volume_pictures([read_volume(series)]).tiles[2]
    assert tile.image[TILE // 2, TILE // 3] < tile.image[5, 5]


def test_frames_are_shown_in_colour(tmp_path: Path) -> None:
    ultrasound(tmp_path)
    (series,) = read_study(tmp_path).series
    pictures, count = frame_pictures(series)
    assert count == 3
    assert [tile.name for tile in pictures.tiles] == ["frame 1", "frame 2", "frame 3"]
    assert pictures.tiles[0].image.shape == (150, TILE, 3)


def test_a_waveform_is_shown_by_its_middle_ten_seconds(tmp_path: Path) -> None:
    stored = np.arange(3000)
    stored[1400:1500] = -1
    group = Group((Channel(stored, LEAD_II, label="II"), Channel(-stored, LEAD_II)), 100.0, padding=-1)
    (read,) = read_waveform(written(dataset(group), tmp_path)).groups
    pictures = waveform_pictures(read)
    assert pictures.seconds == 10.0
    first, second = pictures.traces
    assert (first.name, second.name) == ("II", "Lead II")
    assert (first.values[0], first.values[-1]) == (1000.0, 1999.0)
    assert np.isnan(first.values[400:500]).all()
    assert np.isnan(first.values).sum() == 100


def test_a_contact_sheet_has_a_row_for_each_series(tmp_path: Path) -> None:
    white = Tile(np.full((100, 200), 255, np.uint8), "slice 1")
    red = Tile(np.full((200, 100, 3), (255, 0, 0), np.uint8), "frame 1")
    trace = Trace(np.array([0.0, 1.0, np.nan, 0.0, 1.0]), "II")
    rows = [
        ("1 white", Pictures((white, white))),
        ("2 red", Pictures((red,))),
        ("3 ECG", Pictures(traces=(trace,), seconds=1.0)),
        ("4 report", Pictures()),
    ]
    sheet = np.asarray(draw_contact_sheet(rows))
    assert (sheet == 255).all(axis=2).sum() >= 2 * 100 * 200
    assert ((sheet[..., 0] == 255) & (sheet[..., 1] == 0)).sum() == 200 * 100
    green = (sheet[..., 1].astype(int) - sheet[..., 0] > 60).any(axis=0)
    # The trace is interrupted where there is padding.
    assert not green[:120].any()
    assert 0 < green.sum() < green[green.argmax() : len(green) - green[::-1].argmax()].size
    save_contact_sheet(rows, tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")


def test_a_sheet_of_nothing_and_of_many_series_is_drawn() -> None:
    assert draw_contact_sheet([]).height > 0
    many = [(f"{number}", Pictures()) for number in range(500)]
    assert draw_contact_sheet(many).height < 20_000


@pytest.mark.parametrize(
    ("angle", "axis", "expected"),
    [
        (0.0, (1, 0, 0), "axial"),
        (0.5, (1, 0, 0), "axial"),
        (12.0, (1, 0, 0), "axial, oblique by 12°"),
        (90.0, (1, 0, 0), "coronal"),
        (90.0, (0, 1, 0), "sagittal"),
        (80.0, (0, 1, 0), "sagittal, oblique by 10°"),
    ],
)
def test_the_orientation_is_named(angle: float, axis: tuple[int, int, int], expected: str) -> None:
    assert orientation(rotated(np.diag([1.0, 1.0, 3.0, 1.0]), angle, axis)) == expected
