"""Read a series of parallel slices as one volume with an exact affine, or refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from operators.read.attributes import MalformedAttributeError, numbers
from operators.read.geometry import slice_geometry
from operators.read.pixels import PixelFormat, pixel_format, read_stored_values, require_monochrome
from operators.read.study import Instance, Series
from operators.refused import Reason, Refused


@dataclass(frozen=True)
class Volume:
    """A volume in patient coordinates.

    ``array`` is (slice, row, column) in the modality's units; ``affine`` (4, 4, float64) maps
    (column, row, slice, 1) to LPS mm; ``instances`` are the source slices in array order.
    """

    array: NDArray[np.generic]
    affine: NDArray[np.float64]
    frame_of_reference_uid: str
    instances: tuple[Instance, ...]

    @property
    def voxel_volume(self) -> float:
        """Volume of one voxel in mm³, without the rounding errors of the determinant."""
        return float(f"{abs(np.linalg.det(self.affine[:3, :3])):.12g}")


@dataclass(frozen=True)
class _Rescale:
    """Output units = slope x stored value + intercept (PS3.3 section C.11.1.1.2)."""

    slope: float
    intercept: float


def read_volume(series: Series) -> Volume:
    """Read one series as a volume.

    Slices lie in the direction of row x column, whatever their order in the series (:func:`slice_geometry`). Values
    are in the modality's units: Rescale Slope and Intercept are applied slice by slice. The array keeps the stored
    type if that can hold every possible value, else it has the smallest integer type that can; it is float32 when
    slope or intercept are fractional or differ between slices. Photometric Interpretation MONOCHROME1 concerns
    display only and changes no value.

    Raises :class:`Refused` with a reason of :func:`slice_geometry`, ``UNSUPPORTED_PIXEL_FORMAT`` or
    ``TRUNCATED_PIXEL_DATA``.
    """
    forms = [_single_frame_format(instance) for instance in series.instances]
    rescales = [_rescale(instance) for instance in series.instances]
    geometry = slice_geometry([instance.header for instance in series.instances])
    array = np.empty(geometry.shape, dtype=_output_dtype(forms, rescales))
    for index, source in enumerate(geometry.order):
        _read_slice(series.instances[source], forms[source], rescales[source], array[index])
    return Volume(
        array=array,
        affine=geometry.affine,
        frame_of_reference_uid=geometry.frame_of_reference_uid,
        instances=tuple(series.instances[source] for source in geometry.order),
    )


def _single_frame_format(instance: Instance) -> PixelFormat:
    form = require_monochrome(instance, pixel_format(instance))
    problem = f"{form.frames} frames in one instance" if form.frames > 1 else None
    if instance.header.get("ModalityLUTSequence"):
        problem = "a Modality LUT instead of a rescale slope"
    if problem:
        raise Refused(Reason.UNSUPPORTED_PIXEL_FORMAT, f"{instance.name} has {problem}")
    return form


def _rescale(instance: Instance) -> _Rescale:
    try:
        slope = numbers(instance.header, "RescaleSlope", count=1) or (1.0,)
        intercept = numbers(instance.header, "RescaleIntercept", count=1) or (0.0,)
    except MalformedAttributeError as error:
        raise Refused(Reason.UNSUPPORTED_PIXEL_FORMAT, f"{instance.name}: {error}") from error
    if slope[0] == 0.0:
        raise Refused(Reason.UNSUPPORTED_PIXEL_FORMAT, f"{instance.name} has a Rescale Slope of 0")
    return _Rescale(slope[0], intercept[0])


def _output_dtype(forms: Sequence[PixelFormat], rescales: Sequence[_Rescale]) -> np.dtype[np.generic]:
    """One type for the whole volume, from the headers alone: the same scanner settings give the same type."""
    rescale = rescales[0]
    whole = rescale.slope.is_integer() and rescale.intercept.is_integer()
    if not whole or any(other != rescale for other in rescales):
        return np.dtype(np.float32)
    ends = [int(rescale.slope) * end + int(rescale.intercept) for form in forms for end in form.range]
    stored = forms[0].dtype
    for dtype in (stored, *map(np.dtype, (np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.int64))):
        limits = np.iinfo(dtype)  # type: ignore[type-var]
        if limits.min <= min(ends) and max(ends) <= limits.max:
            return dtype
    return np.dtype(np.float32)


def _read_slice(instance: Instance, form: PixelFormat, rescale: _Rescale, out: NDArray[np.generic]) -> None:
    if rescale == _Rescale(1.0, 0.0) and out.dtype == form.dtype:
        read_stored_values(instance, form, out)
        return
    stored = np.empty(out.shape, dtype=form.dtype)
    read_stored_values(instance, form, stored)
    if out.dtype.kind == "f":
        # float64 in between: one rounding only, when the result is stored.
        out[...] = stored.astype(np.float64) * rescale.slope + rescale.intercept
    else:
        out[...] = stored.astype(np.int64) * int(rescale.slope) + int(rescale.intercept)
