from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from operators.read.volume import Volume
from operators.write.pages.montage import axial_tiles
from tests.operators.write.studies import ORIENTATIONS, make_volume


def head(orientation: str, reversed_order: bool) -> tuple[Volume, NDArray[np.float32], NDArray[np.uint8]]:
    """A ball around the origin, brighter to the front, with a lesion in front on the patient's left, high up."""
    volume = make_volume(
        orientation, (40, 44, 48), spacing=(3.0, 3.0, 3.0), reversed_order=reversed_order, origin=(0.0, 0.0, 0.0)
    )
    affine = volume.affine
    affine[:3, 3] = -affine[:3, :3] @ (np.array([48, 44, 40]) - 1) / 2
    slices, rows, columns = np.indices((40, 44, 48))
    x, y, z = np.tensordot(affine[:3, :3], np.stack([columns, rows, slices]), 1) + affine[:3, 3, None, None, None]
    inside = x**2 + y**2 + z**2 < 55**2
    array = np.where(inside, 100 - y, 0).astype(np.float32)
    lesion = (x - 20) ** 2 + (y + 25) ** 2 + (z - 20) ** 2 < 8**2
    return volume, array, lesion.astype(np.uint8)


@pytest.mark.parametrize("orientation", list(ORIENTATIONS))
@pytest.mark.parametrize("reversed_order", [False, True])
def test_left_is_right_and_front_is_up(orientation: str, reversed_order: bool) -> None:
    volume, array, labels = head(orientation, reversed_order)
    tiles = axial_tiles(array, volume.affine, labels, 9)
    assert len(tiles) == 9
    rows, columns = tiles[0].labels.shape
    shown = [np.argwhere(tile.labels).mean(axis=0) for tile in tiles if tile.labels.any()]
    assert shown
    for row, column in shown:
        assert row < rows / 2
        assert column > columns / 2
    middle = tiles[4].image.astype(float)
    assert middle[: rows // 2].mean() > middle[rows // 2 :].mean()


@pytest.mark.parametrize("orientation", ["sagittal", "coronal"])
@pytest.mark.parametrize("reversed_order", [False, True])
def test_tiles_go_from_feet_to_head_and_are_named_by_height(orientation: str, reversed_order: bool) -> None:
    volume, array, labels = head(orientation, reversed_order)
    names = [f"image {index}" for index in range(1, 41)]
    tiles = axial_tiles(array, volume.affine, labels, 4, names)
    heights = [float(tile.name.removeprefix("z ").removesuffix(" mm")) for tile in tiles]
    assert heights == sorted(heights)
    assert all(abs(height - 20) <= 12 for height in heights)


def test_axial_slices_keep_their_own_names() -> None:
    names = [f"image {index}" for index in range(1, 41)]
    for reversed_order in (False, True):
        volume, array, labels = head("axial", reversed_order)
        tiles = axial_tiles(array, volume.affine, labels, 3, names)
        for tile in tiles:
            index = names.index(tile.name)
            assert tile.labels.sum() == labels[index].sum() > 0


def test_without_labels_the_body_is_shown() -> None:
    volume, array, labels = head("axial", False)
    tiles = axial_tiles(array, volume.affine, np.zeros_like(labels), 6)
    assert len(tiles) == 6
    assert all((tile.image > 0).mean() > 0.3 for tile in tiles)


@pytest.mark.parametrize("value", [0.0, 7.0])
def test_a_volume_without_contrast_can_be_shown(value: float) -> None:
    volume = make_volume("axial", (3, 8, 8))
    tiles = axial_tiles(np.full((3, 8, 8), value), volume.affine, np.zeros((3, 8, 8), np.uint8), 12)
    assert len(tiles) == 3


def test_tiles_of_thin_slices_are_apart() -> None:
    volume = make_volume("axial", (160, 8, 8), spacing=(0.5, 1.0, 1.0), origin=(0.0, 0.0, 0.0))
    labels = np.zeros((160, 8, 8), np.uint8)
    labels[80:83, 4, 4] = 1
    tiles = axial_tiles(np.ones((160, 8, 8)), volume.affine, labels, 5)
    heights = [float(tile.name.removeprefix("z ").removesuffix(" mm")) for tile in tiles]
    assert np.diff(heights).min() >= 2
    assert heights[-1] - heights[0] >= 14
    assert sum(tile.labels.any() for tile in tiles) == 1
