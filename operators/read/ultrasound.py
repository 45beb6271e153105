"""B-mode pictures of tissue: cut out of the screen, grey, with their scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, gaussian_filter

from operators.read.frames import Frames
from operators.read.pictures.ultrasound import UltrasoundRegion
from operators.refused import Reason, Refused

_TISSUE = ("tissue", "color flow")
_COLOURED = 0.12
"""How far the channels of a pixel are apart, of the whole range, from which it is a mark and no echo."""
_AROUND_MARK = 3.0
"""Pixels: how far around a mark the echoes count that fill it in."""
_LEAST_PIXELS = 32
_LEAST_MM, _MOST_MM = 4.0, 500.0
"""What a picture of tissue can measure along a side: that of a probe for the skin, a panorama of a leg."""


@dataclass(frozen=True, eq=False)
class TissueFrames:
    """The tissue of an instance's frames.

    ``array`` (frame, row, column) is grey from 0 to 1; ``top`` and ``left`` are the place of its first pixel in the
    source's frames; ``spacing`` is row and column spacing in mm, None where the instance is not calibrated. Coloured
    marks, such as calipers, are filled in from around them: ``marked`` is the part of pixels that were.
    """

    frames: Frames
    array: NDArray[np.float32]
    top: int
    left: int
    spacing: tuple[float, float] | None
    marked: float

    def on_source(self, masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return masks of the tissue, (frame, row, column), on the whole frames of the source."""
        rows, columns = self.frames.array.shape[1:3]
        found = np.zeros((len(masks), rows, columns), dtype=bool)
        height, width = masks.shape[1:]
        found[:, self.top : self.top + height, self.left : self.left + width] = masks
        return found


def tissue_frames(frames: Frames) -> TissueFrames:
    """Return the two-dimensional tissue region of an ultrasound instance, or the whole frame where no region is told.

    Grey is as it is meant to be seen: by the first window or table that the instance offers, else the whole range of
    its values.

    Raises :class:`Refused` with ``UNSUPPORTED_PIXEL_FORMAT`` where the instance shows several regions of tissue, whose
    frames would need one analysis each, or one that is too small or not within the frame, and with
    ``MISSING_GEOMETRY`` where its scale makes the tissue smaller or larger than any that is seen by ultrasound.
    """
    name = frames.instance.name
    regions = [each for each in frames.regions if each.spatial_format == "2D" and each.data_type in _TISSUE]
    if frames.regions and not regions:
        raise Refused(Reason.UNSUPPORTED_PIXEL_FORMAT, f"{name} shows no two-dimensional region of tissue")
    if len(regions) > 1:
        raise Refused(Reason.UNSUPPORTED_PIXEL_FORMAT, f"{name} shows {len(regions)} regions of tissue, not one")
    rows, columns = frames.array.shape[1:3]
    top, left, bottom, right = _corners(regions[0], rows, columns) if regions else (0, 0, rows, columns)
    if min(bottom - top, right - left) <= 0:
        raise Refused(Reason.UNSUPPORTED_PIXEL_FORMAT, f"{name} has its region of tissue outside its frames")
    if min(bottom - top, right - left) < _LEAST_PIXELS:
        raise Refused(Reason.UNSUPPORTED_PIXEL_FORMAT, f"{name} shows tissue of {bottom - top} x {right - left} pixels")
    spacing = regions[0].spacing_mm if regions else None
    if spacing is None and frames.pixel_spacing is not None and frames.pixel_spacing.is_in_patient:
        spacing = frames.pixel_spacing.row, frames.pixel_spacing.column
    if spacing is not None:
        _check_scale(name, (bottom - top) * spacing[0], (right - left) * spacing[1])
    grey, marked = _grey(frames, np.s_[top:bottom, left:right])
    return TissueFrames(frames, grey, top, left, spacing, marked)


def _check_scale(name: str, height: float, width: float) -> None:
    """A wrong scale, such as one in other units, would make wrong lengths, or hide what is told to be too small."""
    if not (_LEAST_MM <= height <= _MOST_MM and _LEAST_MM <= width <= _MOST_MM):
        raise Refused(
            Reason.MISSING_GEOMETRY,
            f"{name} shows tissue of {height:.4g} x {width:.4g} mm by its own scale, which cannot be right",
        )


def _corners(region: UltrasoundRegion, rows: int, columns: int) -> tuple[int, int, int, int]:
    """Top, left, and the bottom and right behind the last pixel; a region may reach beyond the frame."""
    return max(0, region.top), max(0, region.left), min(rows, region.bottom + 1), min(columns, region.right + 1)


def _grey(frames: Frames, place: tuple[slice, slice]) -> tuple[NDArray[np.float32], float]:
    grey = np.empty((len(frames.array), *frames.array[0][place].shape[:2]), dtype=np.float32)
    marked = 0
    # Frame by frame: a clip in floating point colour would take many times its room.
    for index, picture in enumerate(grey):
        if not frames.is_colour:
            picture[:] = _brightness(frames, index, place)
            continue
        shown = _share_of_range(frames, index, place)
        picture[:] = shown.mean(axis=-1)
        coloured = shown.max(axis=-1) - shown.min(axis=-1) > _COLOURED
        if coloured.any():
            picture[:] = fill_marks(picture, coloured)
            marked += int(coloured.sum())
    return grey, marked / grey.size


def _brightness(frames: Frames, index: int, place: tuple[slice, slice]) -> NDArray[np.floating]:
    """A monochrome frame from 0 to 1, as it is meant to be seen."""
    offered = frames.voi[index]
    shown = offered[0](frames.array[index][place]) if offered else _share_of_range(frames, index, place)
    return 1 - shown if frames.inverted else shown


def _share_of_range(frames: Frames, index: int, place: tuple[slice, slice]) -> NDArray[np.floating]:
    low, high = frames.value_range
    shown: NDArray[np.float32] = (frames.array[index][place].astype(np.float32) - low) / max(high - low, 1e-6)
    return shown


def fill_marks(picture: NDArray[np.float32], marks: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return a picture (row, column) in which marks and their border are the mean of what is around, the near most."""
    marks = binary_dilation(marks)
    known = gaussian_filter((~marks).astype(np.float32), _AROUND_MARK)
    around = gaussian_filter(np.where(marks, 0, picture), _AROUND_MARK) / np.maximum(known, 1e-6)
    rest = float(picture[~marks].mean()) if not marks.all() else 0.0
    return np.where(marks, np.where(known > 1e-3, around, rest), picture).astype(np.float32)
