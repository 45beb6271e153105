"""Refuse a volume that no network should see: empty, clipped, or too small for the organ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from operators.read.volume import Volume
from operators.refused import Reason, Refused

MAXIMUM_SATURATED_SHARE = 0.01
"""An unclipped image has its largest value in a handful of voxels; a hundredth of all is a large part of a head."""

MAXIMUM_BLANK_SHARE = 0.5
"""Scanners and reformatting leave single blank slices at the ends, never half of the volume."""

MINIMUM_HEAD_EXTENT_MM = 100.0
"""Every side of a volume that shows a whole brain: an adult's is about 140 x 170 x 120 mm, a slab is thinner."""


@dataclass(frozen=True)
class QualityReport:
    """Figures of one volume: values in its units, shares from 0 to 1, extents (slice, row, column axis) in mm."""

    minimum: float
    maximum: float
    saturated_share: float
    blank_slices: int
    extents: tuple[float, float, float]


def check_volume(volume: Volume, *, minimum_extent_mm: float = MINIMUM_HEAD_EXTENT_MM) -> QualityReport:
    """Return the figures of a volume that is fit for analysis.

    ``saturated_share`` is the share of voxels at the largest value; a slice is blank when all its voxels are equal;
    the extents reach from outer edge to outer edge.

    Raises :class:`Refused` with ``IMAGE_QUALITY`` when the volume is constant, half of its slices are blank, more
    than 1 % of its voxels are saturated, or a side is shorter than ``minimum_extent_mm``.
    """
    report = _measure(volume)
    slices = len(volume.array)
    problems = []
    if report.minimum == report.maximum:
        problems.append(f"every voxel is {report.minimum:g}")
    elif report.blank_slices > MAXIMUM_BLANK_SHARE * slices:
        problems.append(f"{report.blank_slices} of {slices} slices are blank")
    elif report.saturated_share > MAXIMUM_SATURATED_SHARE:
        problems.append(
            f"{100 * report.saturated_share:.1f} % of the voxels are clipped at {report.maximum:g}, "
            f"at most {100 * MAXIMUM_SATURATED_SHARE:.1f} % may be"
        )
    if min(report.extents) < minimum_extent_mm:
        sides = " x ".join(f"{extent:.0f}" for extent in report.extents)
        problems.append(f"the field of view is {sides} mm, every side must be at least {minimum_extent_mm:.0f} mm")
    if problems:
        raise Refused(Reason.IMAGE_QUALITY, "; ".join(problems))
    return report


def _measure(volume: Volume) -> QualityReport:
    array = volume.array
    lowest = array.min(axis=(1, 2))
    highest = array.max(axis=(1, 2))
    column, row, slice_ = (
        float(length) * count
        for length, count in zip(np.linalg.norm(volume.affine[:3, :3], axis=0), array.shape[::-1], strict=True)
    )
    return QualityReport(
        minimum=float(lowest.min()),
        maximum=float(highest.max()),
        saturated_share=float(np.count_nonzero(array == highest.max()) / array.size),
        blank_slices=int(np.count_nonzero(lowest == highest)),
        extents=(slice_, row, column),
    )
