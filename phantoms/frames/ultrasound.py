"""Ultrasound images and clips with calibrated regions (PS3.3 A.6, A.7 and C.8.5.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UltrasoundImageStorage, UltrasoundMultiFrameImageStorage

from phantoms.frames.common import WrittenFrames, new_picture, set_pixels, write
from phantoms.frames.pictures import fan

_CENTIMETRES, _SECONDS, _CENTIMETRES_PER_SECOND = 3, 4, 7


@dataclass(frozen=True)
class Region:
    """One item of Sequence of Ultrasound Regions: codes as in C.8.5.5.1, corners inclusive."""

    spatial_format: int
    data_type: int
    corners: tuple[int, int, int, int]
    units: tuple[int, int]
    deltas: tuple[float, float]
    reference_pixel: tuple[int, int] | None = None
    reference_value: tuple[float, float] = (0.0, 0.0)

    def item(self) -> Dataset:
        """The region as it stands in the sequence."""
        item = Dataset()
        item.RegionSpatialFormat, item.RegionDataType, item.RegionFlags = self.spatial_format, self.data_type, 0
        (
            item.RegionLocationMinX0,
            item.RegionLocationMinY0,
            item.RegionLocationMaxX1,
            item.RegionLocationMaxY1,
        ) = self.corners
        item.PhysicalUnitsXDirection, item.PhysicalUnitsYDirection = self.units
        item.PhysicalDeltaX, item.PhysicalDeltaY = self.deltas
        if self.reference_pixel is not None:
            item.ReferencePixelX0, item.ReferencePixelY0 = self.reference_pixel
            item.ReferencePixelPhysicalValueX, item.ReferencePixelPhysicalValueY = self.reference_value
        return item


def tissue(corners: tuple[int, int, int, int], delta: float) -> Region:
    """A two-dimensional image of tissue with square pixels of ``delta`` cm."""
    return Region(1, 1, corners, (_CENTIMETRES, _CENTIMETRES), (delta, delta))


def doppler(corners: tuple[int, int, int, int], second: float, velocity: float, baseline: int) -> Region:
    """A pulsed wave spectrum: ``second`` s a column, ``velocity`` cm/s a row (upwards positive) about ``baseline``."""
    units = (_SECONDS, _CENTIMETRES_PER_SECOND)
    return Region(3, 3, corners, units, (second, -velocity), reference_pixel=(0, baseline))


def write_ultrasound(
    folder: Path,
    *,
    frames: int = 1,
    rows: int = 48,
    columns: int = 64,
    frame_time: float = 40.0,
    regions: Sequence[Region] = (),
    colour: bool = True,
    seed: int = 1,
    number: int = 1,
    **attributes: Any,
) -> WrittenFrames:
    """Write an image or, with several frames, a clip; grey pixels as RGB, as most machines do, or as MONOCHROME2."""
    sop_class = UltrasoundMultiFrameImageStorage if frames > 1 else UltrasoundImageStorage
    instance = new_picture(sop_class, "US", "Abdomen", seed=seed, number=number)
    array = fan(rows, columns, frames, seed)
    if colour:
        array = np.repeat(array[..., None], 3, axis=-1)
    set_pixels(instance, array)
    instance.ImageType = ["ORIGINAL", "PRIMARY", "ABDOMINAL", "0001"]
    if regions:
        instance.SequenceOfUltrasoundRegions = [region.item() for region in regions]
    if frames > 1:
        instance.FrameTime = frame_time
        instance.FrameIncrementPointer = 0x00181063
    path = write(instance, folder, attributes)
    times = np.arange(frames, dtype=np.float64) * np.float64(frame_time)
    spacing = (10 * regions[0].deltas[1], 10 * regions[0].deltas[0]) if len(regions) == 1 else None
    return WrittenFrames(path, array, times, spacing)
