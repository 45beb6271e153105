"""Write simulated pictures as a scanner would: on a screen with texts and calipers, single or as a clip."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit, UltrasoundImageStorage, UltrasoundMultiFrameImageStorage

from phantoms.frames.common import new_picture, set_attributes, set_pixels
from phantoms.frames.ultrasound import tissue
from phantoms.identity import derived_uid, save, set_instance_uid, set_uid_of_content
from phantoms.sonography.breast import SimulatedSonogram

_BORDER = (24, 40, 40, 96)
"""Pixels of the screen above, left of, below and right of the picture."""
_CALIPER = (255, 220, 0)
_TEXT = (210, 210, 210)
_FRAME_TIME_MS = 40.0
_JPEG_QUALITY = 92

Pixels = Literal["rgb", "grey", "palette", "jpeg"]
"""How pixels are stored; "grey" has no coloured marks, "jpeg" is YBR_FULL_422, with loss."""


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
    instance: int = 1,
    description: str = "Breast",
    screen: bool = True,
    pixels: Pixels = "rgb",
    calipers: bool = False,
    calibrated: bool = True,
    spacing: tuple[float, float] | None = None,
    **attributes: Any,
) -> WrittenSonogram:
    """Write one picture, or several of one size as a clip, as an ``instance`` of the series ``number``.

    Patient, study and series follow from seed and number, the SOP Instance UID from all that is in the object. With
    ``screen`` the picture stands on a black screen beside texts; ``calipers`` (in colour) mark the extent of what is
    sought; without ``calibrated`` no region tells a scale. ``spacing`` (row, column) in mm is told in place of the
    pictures' own: it makes the same pixels another size. ``attributes`` are set by DICOM keyword at the end.
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
        frame[...] = _drawn(frame, mask, screen=screen, calipers=calipers and pixels != "grey")
    spacing = spacing or pictures[0].spacing
    written = new_picture(
        UltrasoundMultiFrameImageStorage if len(pictures) > 1 else UltrasoundImageStorage,
        "US",
        description,
        seed=seed,
        number=number,
    )
    written.InstanceNumber = instance
    set_instance_uid(written, derived_uid(written.SeriesInstanceUID, instance))
    _set_pixels(written, frames, pixels)
    written.ImageType = ["ORIGINAL", "PRIMARY", "", "0001"]
    if calibrated:
        region = tissue((left, top, left + columns - 1, top + rows - 1), spacing[0] / 10).item()
        region.PhysicalDeltaX = spacing[1] / 10
        written.SequenceOfUltrasoundRegions = [region]
    if len(pictures) > 1:
        written.FrameTime = _FRAME_TIME_MS
        written.FrameIncrementPointer = 0x00181063
    set_attributes(written, attributes)
    set_uid_of_content(written)
    path = folder / f"us_{number}_{instance}.dcm"
    save(written, path)
    return WrittenSonogram(path, masks, spacing if calibrated else None)


def _set_pixels(written: Dataset, frames: NDArray[np.uint8], pixels: Pixels) -> None:
    if pixels == "grey":
        set_pixels(written, np.ascontiguousarray(frames[..., 0]))
    elif pixels == "palette":
        _set_palette(written, frames)
    else:
        set_pixels(written, frames)
    if pixels == "jpeg":
        written.PhotometricInterpretation = "YBR_FULL_422"
        written.LossyImageCompression, written.LossyImageCompressionMethod = "01", "ISO_10918_1"
        streams = [_jpeg(frame) for frame in frames]
        written.LossyImageCompressionRatio = round(frames.nbytes / sum(map(len, streams)), 1)
        written.PixelData = encapsulate(streams)
        written["PixelData"].is_undefined_length = True
        written.file_meta.TransferSyntaxUID = JPEGBaseline8Bit


def _jpeg(frame: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(frame).save(file, "JPEG", quality=_JPEG_QUALITY, subsampling="4:2:2")
    return file.getvalue()


def _set_palette(written: Dataset, frames: NDArray[np.uint8]) -> None:
    """Every grey level and the caliper's colour, which takes the place of the brightest."""
    coloured = (frames != frames[..., :1]).any(axis=-1)
    indices = np.where(coloured, 255, np.minimum(frames[..., 0], 254)).astype(np.uint8)
    set_pixels(written, indices, photometric="PALETTE COLOR")
    for channel, colour in zip(("Red", "Green", "Blue"), _CALIPER, strict=True):
        table = np.append(np.arange(255), colour).astype("<u2") * 257
        setattr(written, f"{channel}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(written, f"{channel}PaletteColorLookupTableData", table.tobytes())


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
