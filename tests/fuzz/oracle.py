"""The second way to the same array: pydicom's data set and decoders, and the geometry from the plain text.

It shares no code with ``operators.read``: a difference between the two is a finding.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pixel_array

Vector = NDArray[np.float64]


class MismatchError(AssertionError):
    """What Gantry read is not what pydicom reads."""


@dataclass(frozen=True, eq=False)
class Plane:
    """One plane as pydicom has it: values in the modality's units, and its place in the patient."""

    values: NDArray[Any]
    position: Vector
    directions: NDArray[np.float64]
    spacing: Vector


@lru_cache(maxsize=256)
def read(content: bytes) -> Dataset | None:
    """The data set of a file; None if pydicom cannot make one of it."""
    try:
        dataset = dcmread(io.BytesIO(content))
        str(dataset.SOPInstanceUID), str(dataset.SeriesInstanceUID)
    # Whatever pydicom raises, it has no data set.
    except Exception:
        return None
    return dataset


@lru_cache(maxsize=256)
def header(content: bytes) -> Dataset | None:
    """The elements before the pixel data; None if pydicom cannot read so far."""
    try:
        return dcmread(io.BytesIO(content), stop_before_pixels=True)
    # Whatever pydicom raises, it has no header.
    except Exception:
        return None


@lru_cache(maxsize=256)
def stored_values(content: bytes, frame: int) -> NDArray[Any]:
    """Stored values of one frame, bits outside Bits Stored cleared or filled with the sign."""
    dataset = read(content)
    if dataset is None:
        raise MismatchError("pydicom reads no data set")
    frames = int(str(dataset.get("NumberOfFrames") or 1))
    values = pixel_array(dataset, raw=True, index=frame if frames > 1 else None)
    if values.dtype.kind == "f":
        return values
    bits, signed = dataset.BitsStored, dataset.PixelRepresentation == 1
    whole = values.astype(np.int64) & ((1 << bits) - 1)
    return np.where(whole >> (bits - 1) & 1, whole - (1 << bits), whole) if signed else whole


def attribute(dataset: Dataset, frame: int, group: str, keyword: str) -> Any:
    """An attribute of a frame: of its own functional group, else of the shared one, else of the instance."""
    if "PerFrameFunctionalGroupsSequence" in dataset:
        per_frame = dataset.PerFrameFunctionalGroupsSequence
        shared = dataset.get("SharedFunctionalGroupsSequence") or [Dataset()]
        for groups in (per_frame[frame] if frame < len(per_frame) else Dataset(), shared[0]):
            for item in groups.get(group) or ():
                if item.get(keyword) is not None:
                    return item[keyword].value
    return dataset.get(keyword)


def plane(content: bytes, frame: int) -> Plane:
    """One frame with its place; raises :class:`MismatchError` where pydicom cannot make one."""
    try:
        return _plane(content, frame)
    # Gantry has read this plane: what pydicom says against it decides whether it should have.
    except Exception as error:
        raise MismatchError(f"pydicom cannot: {type(error).__name__}: {error}") from error


def _plane(content: bytes, frame: int) -> Plane:
    dataset = read(content)
    if dataset is None:
        raise MismatchError("pydicom reads no data set")
    stored = stored_values(content, frame)

    def numbers(group: str, keyword: str, default: Sequence[float]) -> Vector:
        value = attribute(dataset, frame, group, keyword)
        return np.atleast_1d(np.array(default if value in (None, "") else value, dtype=np.float64))

    slope = numbers("PixelValueTransformationSequence", "RescaleSlope", [1.0])
    intercept = numbers("PixelValueTransformationSequence", "RescaleIntercept", [0.0])
    return Plane(
        values=stored.astype(np.float64) * slope + intercept,
        position=numbers("PlanePositionSequence", "ImagePositionPatient", []),
        directions=numbers("PlaneOrientationSequence", "ImageOrientationPatient", []).reshape(2, 3),
        spacing=numbers("PixelMeasuresSequence", "PixelSpacing", []),
    )


def compare(array: NDArray[Any], affine: NDArray[np.float64], planes: Sequence[Plane]) -> None:
    """Compare a volume with its planes in array order; raises :class:`MismatchError`."""
    if array.shape[0] != len(planes):
        raise MismatchError(f"{array.shape[0]} slices in the array, {len(planes)} in the list")
    for index, expected in enumerate(planes):
        values = expected.values.astype(array.dtype)
        if array[index].shape != values.shape or not np.array_equal(array[index], values, equal_nan=True):
            raise MismatchError(f"slice {index}: values differ\n{array[index]}\n{values}")
        if array.dtype.kind in "iu" and not np.array_equal(values, expected.values):
            raise MismatchError(f"slice {index}: {array.dtype} does not hold its values")
        column = expected.directions[0] * expected.spacing[1]
        row = expected.directions[1] * expected.spacing[0]
        # As documented: directions alike within 1e-4, spacing within 1e-4 of itself, distances within 1 % or 0.1 mm.
        tolerance = 3e-4 * max(expected.spacing)
        if np.abs(affine[:3, 0] - column).max() > tolerance or np.abs(affine[:3, 1] - row).max() > tolerance:
            raise MismatchError(f"slice {index}: affine\n{affine}\nagainst column {column}, row {row}")
        distance = np.linalg.norm(affine[:3, 3] + index * affine[:3, 2] - expected.position)
        allowed = max(0.01 * float(np.linalg.norm(affine[:3, 2])), 0.1) if index else 1e-6
        if not distance <= allowed * 1.01:
            raise MismatchError(f"slice {index}: {distance} mm beside its place {expected.position}\n{affine}")


def frames_of_series(folder: Mapping[str, bytes]) -> dict[str, dict[str, int]]:
    """Series Instance UID to the files that pydicom finds in it, with their number of frames."""
    found: dict[str, dict[str, int]] = {}
    for name, content in folder.items():
        if (dataset := read(content)) is not None:
            try:
                frames = int(str(dataset.get("NumberOfFrames") or 1))
            except ValueError:
                frames = 1
            found.setdefault(str(dataset.SeriesInstanceUID), {})[name] = frames
    return found
