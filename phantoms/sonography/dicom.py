"""Write simulated pictures as a scanner would: on a screen with texts and calipers, single or as a clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom.uid import UltrasoundImageStorage, UltrasoundMultiFrameImageStorage

from phantoms.frames.common import new_picture, set_pixels, write
from phantoms.frames.ultrasound import tissue
from phantoms.sonography.breast import SimulatedSonogram

_BORDER = (24, 40, 40, 96)
"""Pixels of the screen above, left of, below and right of the picture."""
_CALIPER = (255, 220, 0)
_TEXT = (210, 210, 210)
_FRAME_TIME_MS = 40.0


@dataclass(frozen=True, eq=False)
class WrittenSonogram:
    """An instance on disk and its truth: ``masks`` (frame, row, column) on the whole screen, ``spacing`` in mm."""

    path: Path
    masks: NDArray[np.bool_]
    spacing: tuple[float, float] | None


def write_sonogram(
    pictures: Sequence[SimulatedSonogram],
    folder: Path,
    *,
    seed: int,
    number: int = 1,
    description: str = "Breast",
    screen: bool = True,
    colour: bool = True,
    calipers: bool = False,
    calibrated: bool = True,
    **attributes: Any,
) -> WrittenSonogram:
    """Write one picture, or several of one size as a clip; patient, study and UIDs follow from seed and number.

    With ``screen`` the picture stands on a black screen beside texts; ``calipers`` (in colour) mark the extent of what
    is sought; without ``calibrated`` no region tells a scale. ``attributes`` are set by DICOM keyword at the end.
    """
    top, left, bottom, right = _BORDER if screen else (0, 0, 0, 0)
    rows, columns = pictures[0].image.shape
    shape = (rows + top + bottom, columns + left + right)
    frames = np.zeros((len(pictures), *shape, 3), dtype=np.uint8)
    masks = np.zeros((len(pictures), *shape), dtype=bool)
    inside = np.s_[top : top + rows, left : left + columns]
    for frame, mask, picture in zip(frames, masks, pictures, strict=True):
        mask[inside] = picture.mask
        frame[inside] = picture.image[..., None]
        frame[...] = _drawn(frame, mask, screen=screen, calipers=calipers and colour)
    spacing = pictures[0].spacing
    instance = new_picture(
        UltrasoundMultiFrameImageStorage if len(pictures) > 1 else UltrasoundImageStorage,
        "US",
        description,
        seed=seed,
        number=number,
    )
    set_pixels(instance, frames if colour else np.ascontiguousarray(frames[..., 0]))
    instance.ImageType = ["ORIGINAL", "PRIMARY", "", "0001"]
    if calibrated:
        corners = (left, top, left + columns - 1, top + rows - 1)
        instance.SequenceOfUltrasoundRegions = [tissue(corners, spacing[0] / 10).item()]
    if len(pictures) > 1:
        instance.FrameTime = _FRAME_TIME_MS
        instance.FrameIncrementPointer = 0x00181063
    path = write(instance, folder, attributes)
    return WrittenSonogram(path, masks, spacing if calibrated else None)


def _drawn(frame: NDArray[np.uint8], mask: NDArray[np.bool_], *, screen: bool, calipers: bool) -> NDArray[np.uint8]:
    image = Image.fromarray(frame)
    draw = ImageDraw.Draw(image)
    if screen:
        font = ImageFont.load_default(11)
        draw.text((4, 6), "PHANTOM US   MI 0.9   TIs 0.4", fill=_TEXT, font=font)
        draw.text((image.width - 88, 40), "12 MHz\n4.0 cm\nGn 52", fill=_TEXT, font=font)
        for step in range(40, image.height - 40, 32):
            draw.line((image.width - 96, step, image.width - 92, step), fill=_TEXT)
    if calipers and mask.any():
        places = np.argwhere(mask)
        middle = int(np.median(places[:, 0]))
        for row, column in ((middle, places[:, 1].min()), (middle, places[:, 1].max())):
            draw.line((column - 4, row, column + 4, row), fill=_CALIPER)
            draw.line((column, row - 4, column, row + 4), fill=_CALIPER)
    return np.asarray(image, dtype=np.uint8)
