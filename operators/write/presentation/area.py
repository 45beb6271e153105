"""What part of an image is shown, and which way round (PS3.3 C.10.4 Displayed Area, C.10.6 Spatial Transformation)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from operators.read.attributes import numbers
from operators.read.geometry.slices import Slice
from operators.read.pictures.projection import pixel_spacing


@dataclass(frozen=True)
class Area:
    """A part of an image: the pixels ``array[top:bottom, left:right]``."""

    top: int
    bottom: int
    left: int
    right: int


@dataclass(frozen=True)
class Turn:
    """How an image is shown: turned by ``rotation`` degrees clockwise, then ``flipped`` left to right."""

    rotation: int = 0
    flipped: bool = False

    def __call__(self, array: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return an array, (row, column, ...), as it is shown."""
        turned = np.rot90(array, -self.rotation // 90)
        return turned[:, ::-1] if self.flipped else turned


AS_STORED = Turn()


def check_area(images: Sequence[Slice], area: Area | None, turn: Turn) -> None:
    """Raise :class:`ValueError` for an area outside an image or a rotation other than by right angles."""
    if turn.rotation not in (0, 90, 180, 270):
        raise ValueError(f"an image can be turned by 0, 90, 180 or 270 degrees, not by {turn.rotation}")
    if area is None:
        return
    for image in images:
        rows, columns = image.header.Rows, image.header.Columns
        if not (0 <= area.top < area.bottom <= rows and 0 <= area.left < area.right <= columns):
            raise ValueError(f"{area} is no part of an image of {rows} rows and {columns} columns")


def displayed_area(image: Slice, area: Area | None, turn: Turn) -> Dataset:
    """Return an item of the Displayed Area Selection Sequence for one image, without saying for which.

    The corners are those after the image was turned, named by the columns and rows, from 1, that they had before.
    """
    header = image.header
    shown = area or Area(0, header.Rows, 0, header.Columns)
    rows, columns = np.mgrid[shown.top : shown.bottom : 1, shown.left : shown.right : 1] + 1
    item = Dataset()
    places = turn(np.stack([columns, rows], axis=2))
    item.DisplayedAreaTopLeftHandCorner = places[0, 0].tolist()
    item.DisplayedAreaBottomRightHandCorner = places[-1, -1].tolist()
    item.PresentationSizeMode = "SCALE TO FIT"
    if (spacing := pixel_spacing(header)) is not None:
        item.PresentationPixelSpacing = [f"{spacing.row:.9g}", f"{spacing.column:.9g}"]
    else:
        ratio = numbers(header, "PixelAspectRatio", count=2) or (1, 1)
        item.PresentationPixelAspectRatio = [int(part) for part in ratio]
    return item


def write_turn(turn: Turn, state: Dataset) -> None:
    """Write the Spatial Transformation module, which is there only if there is one."""
    if turn != AS_STORED:
        state.ImageRotation = turn.rotation
        state.ImageHorizontalFlip = "Y" if turn.flipped else "N"
