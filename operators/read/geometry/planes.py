"""The planes of a series as their headers place them (PS3.3 section C.7.6.2), as arrays; or a refusal by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from operators.read.attributes import MalformedAttributeError, integer, numbers, text
from operators.read.headers.remembered import Remembered
from operators.read.study import instance_name
from operators.refused import Reason, Refused

Vector = NDArray[np.float64]

DIRECTION_TOLERANCE = 1e-4
"""Largest difference of one direction cosine in a series: 0.05 mm at the rim of a 512 mm field of view."""

SPACING_TOLERANCE = 1e-4
"""Largest relative difference of Pixel Spacing in a series."""

# Direction cosines are often written with four decimals only.
_UNIT_TOLERANCE = 1e-3

# Beyond these a header is damaged; calculating with it would overflow.
_LARGEST_MM, _SMALLEST_SPACING_MM = 1e6, 1e-5

_SHOWN_NAMES = 5


@dataclass(frozen=True, eq=False)
class Planes:
    """Parallel planes of one matrix and one frame of reference.

    ``positions`` (n, 3) and ``orientations`` (n, 6: row, then column direction) are in LPS, ``spacings`` (n, 2: between
    rows, between columns) in mm; ``matrix`` is (rows, columns). ``sources`` are the numbers by which ``name_of`` names
    the planes.
    """

    name_of: Callable[[int], str]
    sources: NDArray[np.intp]
    positions: Vector
    orientations: Vector
    spacings: Vector
    matrix: tuple[int, int]
    frame_of_reference_uid: str

    def __len__(self) -> int:
        return len(self.positions)

    def take(self, indices: NDArray[np.intp]) -> Planes:
        """Return some of the planes, in the order of ``indices``."""
        return replace(
            self,
            sources=self.sources[indices],
            positions=self.positions[indices],
            orientations=self.orientations[indices],
            spacings=self.spacings[indices],
        )

    def name(self, index: int) -> str:
        """The plane as a person would name it in a message."""
        return self.name_of(int(self.sources[index]))

    def names(self, indices: Iterable[int]) -> str:
        """Several planes as a person would name them, the first few by name."""
        found = [self.name(index) for index in indices]
        shown = ", ".join(found[:_SHOWN_NAMES])
        return shown if len(found) <= _SHOWN_NAMES else f"{shown} and {len(found) - _SHOWN_NAMES} more"


def parallel_planes(headers: Sequence[Dataset], name_of: Callable[[int], str] | None = None) -> Planes:
    """Return the planes of slices that can lie in one stack; ``name_of`` names them, by default by their headers.

    Raises :class:`Refused` with ``TOO_FEW_SLICES`` (below 2), ``MISSING_GEOMETRY``, ``MIXED_FRAME_OF_REFERENCE``,
    ``MIXED_MATRIX`` or ``MIXED_ORIENTATION``.
    """
    if len(headers) < 2:
        raise Refused(Reason.TOO_FEW_SLICES, f"a volume needs at least 2 slices, the series has {len(headers)}")
    if name_of is None:
        name_of = lambda index: instance_name(headers[index])  # noqa: E731 - the default of an argument
    geometry, matrices, frames_of_reference = [], [], []
    common_of = Remembered(_common, _COMMON_KEYWORDS)
    for index, header in enumerate(headers):
        try:
            position = numbers(header, "ImagePositionPatient", count=3)
            common = common_of(header)
        except MalformedAttributeError as error:
            raise Refused(Reason.MISSING_GEOMETRY, f"{name_of(index)}: {error}") from error
        if not position or not all(common):
            absent = [noun for noun, value in zip(_NOUNS, (position, *common), strict=True) if not value]
            raise Refused(Reason.MISSING_GEOMETRY, f"{name_of(index)} has no {', '.join(absent)}")
        orientation, spacing, rows, columns, frame_of_reference_uid = common
        geometry.append(position + orientation + spacing)
        matrices.append((rows or 0, columns or 0))
        frames_of_reference.append(frame_of_reference_uid or "")
    found_numbers = np.array(geometry)
    planes = Planes(
        name_of=name_of,
        sources=np.arange(len(headers)),
        positions=found_numbers[:, :3],
        orientations=found_numbers[:, 3:9],
        spacings=found_numbers[:, 9:],
        matrix=matrices[0],
        frame_of_reference_uid=frames_of_reference[0],
    )
    _refuse_impossible(planes)
    _refuse_mixed(planes, Reason.MIXED_FRAME_OF_REFERENCE, frames_of_reference)
    if len(set(matrices)) > 1:
        _refuse_mixed(planes, Reason.MIXED_MATRIX, [f"{rows} x {columns}" for rows, columns in matrices])
    _refuse_deviating(planes, Reason.MIXED_MATRIX, "Pixel Spacing", np.log(planes.spacings), SPACING_TOLERANCE)
    _refuse_deviating(
        planes, Reason.MIXED_ORIENTATION, "Image Orientation (Patient)", planes.orientations, DIRECTION_TOLERANCE
    )
    return planes


_COMMON_KEYWORDS = ("ImageOrientationPatient", "PixelSpacing", "Rows", "Columns", "FrameOfReferenceUID")


def _common(
    header: Dataset,
) -> tuple[tuple[float, ...], tuple[float, ...], int | None, int | None, str | None]:
    """What the slices of a stack usually have in common: orientation, spacing, rows, columns, frame of reference."""
    return (
        numbers(header, "ImageOrientationPatient", count=6),
        numbers(header, "PixelSpacing", count=2),
        integer(header, "Rows"),
        integer(header, "Columns"),
        text(header, "FrameOfReferenceUID"),
    )


_NOUNS = (
    "Image Position (Patient)",
    "Image Orientation (Patient)",
    "Pixel Spacing",
    "Rows",
    "Columns",
    "Frame of Reference UID",
)


def _refuse_impossible(planes: Planes) -> None:
    directions = planes.orientations.reshape(-1, 2, 3)
    products = directions @ directions.transpose(0, 2, 1)
    wrong = np.abs(products - np.eye(2)).max(axis=(1, 2)) > _UNIT_TOLERANCE
    if wrong.any():
        index = int(wrong.argmax())
        raise Refused(
            Reason.MISSING_GEOMETRY,
            f"{planes.name(index)}: Image Orientation (Patient) {tuple(planes.orientations[index].tolist())} is "
            "not two orthogonal unit vectors",
        )
    flat = planes.spacings.min(axis=1) <= 0
    if flat.any():
        index = int(flat.argmax())
        spacing = tuple(planes.spacings[index].tolist())
        raise Refused(Reason.MISSING_GEOMETRY, f"{planes.name(index)}: Pixel Spacing {spacing} is not positive")
    found = np.concatenate([planes.positions, planes.spacings], axis=1)
    beyond = (np.abs(found) > _LARGEST_MM).any(axis=1) | (planes.spacings < _SMALLEST_SPACING_MM).any(axis=1)
    if beyond.any():
        index = int(beyond.argmax())
        raise Refused(
            Reason.MISSING_GEOMETRY,
            f"{planes.name(index)}: position {tuple(planes.positions[index].tolist())} mm and Pixel Spacing "
            f"{tuple(planes.spacings[index].tolist())} mm are those of no patient",
        )


def _refuse_mixed(planes: Planes, reason: Reason, found: Sequence[str]) -> None:
    counts = Counter(found)
    if len(counts) > 1:
        usual = counts.most_common(1)[0][0]
        strangers = [index for index, value in enumerate(found) if value != usual]
        raise Refused(
            reason,
            "; ".join(f"{count} slices have {value}" for value, count in counts.most_common())
            + f": {planes.names(strangers)}",
        )


def _refuse_deviating(planes: Planes, reason: Reason, noun: str, found: Vector, tolerance: float) -> None:
    # The median is the usual value as long as fewer than half of the slices are strangers.
    deviating = np.abs(found - np.median(found, axis=0)).max(axis=1) > tolerance
    if deviating.any():
        strangers = np.flatnonzero(deviating)
        raise Refused(reason, f"{len(strangers)} of {len(planes)} slices differ in {noun}: {planes.names(strangers)}")
