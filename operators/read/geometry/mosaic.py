"""Siemens mosaics: the slices of one volume as the tiles of one image, each with a header of its own.

The format is private; position and order follow nibabel's description (https://nipy.org/nibabel/dicom/dicom_mosaic.html):
Image Position (Patient) is where the corner of the whole mosaic would lie if its centre were the centre of a slice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from operators.read.attributes import MalformedAttributeError, integer, numbers, values
from operators.read.geometry.csa import csa_image_header
from operators.read.headers.flat import decimals, flat_header, set_own
from operators.read.headers.private import private_numbers


@dataclass(frozen=True)
class Tile:
    """Where one slice lies in a mosaic: its first row and column, and the number of rows and columns."""

    row: int
    column: int
    rows: int
    columns: int


def is_mosaic(header: Dataset) -> bool:
    """Return whether an image is a mosaic; raises :class:`MalformedAttributeError`."""
    return "MOSAIC" in values(header, "ImageType")


def tiles(header: Dataset) -> Iterator[tuple[Tile, Dataset]]:
    """Yield each tile of a mosaic, in the order of acquisition's slices, with its header.

    The header is the mosaic's with the tile's own Rows, Columns and Image Position (Patient). Raises
    :class:`MalformedAttributeError` when the mosaic does not tell how many slices it holds and how they lie.
    """
    csa = csa_image_header(header)
    count = _count(header, csa.get("NumberOfImagesInMosaic", ()))
    across = math.ceil(math.sqrt(count))
    all_rows, all_columns = integer(header, "Rows") or 0, integer(header, "Columns") or 0
    if all_rows % across or all_columns % across or not all_rows or not all_columns:
        raise MalformedAttributeError(
            f"a mosaic of {all_rows} x {all_columns} does not divide into {across} x {across}"
        )
    rows, columns = all_rows // across, all_columns // across
    first, step = _positions(header, csa.get("SliceNormalVector", ()), (all_rows - rows, all_columns - columns))
    elements = dict(header.items())
    for index in range(count):
        flat = flat_header(elements, header)
        set_own(flat, "Rows", rows)
        set_own(flat, "Columns", columns)
        place = decimals(first + index * step)
        set_own(flat, "ImagePositionPatient", place)
        yield Tile(index // across * rows, index % across * columns, rows, columns), flat


def _count(header: Dataset, in_csa: tuple[str, ...]) -> int:
    try:
        found = tuple(map(float, in_csa)) or private_numbers(header, "SIEMENS MR HEADER", 0x0019, 0x0A)
    except ValueError as error:
        raise MalformedAttributeError(f"the number of images in the mosaic is not a number: {error}") from error
    if not found or not found[0].is_integer() or not 0 < found[0] < 10_000:
        raise MalformedAttributeError("the number of images in the mosaic is absent")
    return int(found[0])


def _positions(
    header: Dataset, normal_text: tuple[str, ...], hidden: tuple[int, int]
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Position of the first slice and step to the next; ``hidden`` are the rows and columns of the other tiles."""
    position = numbers(header, "ImagePositionPatient", count=3)
    orientation = numbers(header, "ImageOrientationPatient", count=6)
    spacing = numbers(header, "PixelSpacing", count=2)
    between = numbers(header, "SpacingBetweenSlices", count=1)
    try:
        normal = np.array([float(value) for value in normal_text[:3]])
    except ValueError as error:
        raise MalformedAttributeError(f"the mosaic's slice normal is not a number: {error}") from error
    if not (position and orientation and spacing and between and len(normal) == 3):
        raise MalformedAttributeError(
            "the mosaic lacks position, orientation, pixel spacing, spacing between slices or slice normal"
        )
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    if not abs(abs(float(normal @ np.cross(row, column))) - 1) <= 1e-3:
        raise MalformedAttributeError(f"the mosaic's slice normal {normal.tolist()} is not normal to its slices")
    first = np.array(position) + hidden[1] / 2 * spacing[1] * row + hidden[0] / 2 * spacing[0] * column
    # The cross product is known to more digits than the normal, whose sign tells the slices' order.
    upright = np.cross(row, column)
    step = np.sign(normal @ upright) * between[0] * upright / np.linalg.norm(upright)
    return first, step
