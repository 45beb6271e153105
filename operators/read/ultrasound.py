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

    Raises :class:`Refused` with ``UNSUPPORTED_PIXEL_FORMAT`` where the instance shows several regions of tissue, whose
    frames would need one analysis each, or one that is too small.
    """
    name = frames.instance.name
    regions = [each for each in frames.regions if each.spatial_format == "2D" and each.data_type in _TISSUE]
    if frames.regions and not regions:
        raise Refused(Reason.UNSUPPORTED_PIXEL_FORMAT, f"{name} shows no two-dimensional region of tissue")
    if len(regions) > 1:
        raise Refused(Reason.UNSUPPORTED_PIXEL_FORMAT, f"{name} shows {len(regions)} regions of tissue, not one")
    rows, columns = frames.array.shape[1:3]
    top, left, bottom, right = _corners(regions[0], rows, columns) if regions else (0, 0, rows, columns)
    if min(bottom - top, right - left) < _LEAST_PIXELS:
        raise Refused(Reason.UNSUPPORTED_PIXEL_FORMAT, f"{name} shows tissue of {bottom - top} x {right - left} pixels")
    grey, marked = _grey(frames, np.s_[:, top:bottom, left:right])
    spacing = regions[0].spacing_mm if regions else None
    if spacing is None and frames.pixel_spacing is not None and frames.pixel_spacing.is_in_patient:
        spacing = frames.pixel_spacing.row, frames.pixel_spacing.column
    return TissueFrames(frames, grey, top, left, spacing, marked)


def _corners(region: UltrasoundRegion, rows: int, columns: int) -> tuple[int, int, int, int]:
    """Top, left, and the bottom and right behind the last pixel; a region may reach beyond the frame."""
    return max(0, region.top), max(0, region.left), min(rows, region.bottom + 1), min(columns, region.right + 1)


def _grey(frames: Frames, place: tuple[slice, ...]) -> tuple[NDArray[np.float32], float]:
    low, high = frames.value_range
    values = frames.as_monochrome2()[place]
    grey = np.empty(values.shape[:3], dtype=np.float32)
    marked = 0
    # Frame by frame: a clip in floating point colour would take many times its room.
    for picture, frame in zip(grey, values, strict=True):
        shown = (frame.astype(np.float32) - low) / max(high - low, 1e-6)
        if not frames.is_colour:
            picture[:] = shown
            continue
        picture[:] = shown.mean(axis=-1)
        coloured = shown.max(axis=-1) - shown.min(axis=-1) > _COLOURED
        if coloured.any():
            picture[:] = _filled(picture, binary_dilation(coloured))
            marked += int(coloured.sum())
    return grey, marked / grey.size


def _filled(picture: NDArray[np.float32], marks: NDArray[np.bool_]) -> NDArray[np.float32]:
    """A picture whose marked pixels are the mean of those around that are not, the near ones most."""
    known = gaussian_filter((~marks).astype(np.float32), _AROUND_MARK)
    around = gaussian_filter(np.where(marks, 0, picture), _AROUND_MARK) / np.maximum(known, 1e-6)
    rest = float(picture[~marks].mean()) if not marks.all() else 0.0
    return np.where(marks, np.where(known > 1e-3, around, rest), picture).astype(np.float32)
