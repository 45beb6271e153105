"""Values in physical units → stored integers, and what these mean (PS3.3 C.10.9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.valuerep import DSfloat

from operators.write.base.decimals import decimal

_DTYPES = {"SB": "<i1", "UB": "<u1", "SS": "<i2", "SL": "<i4"}


@dataclass(frozen=True, eq=False)
class StoredSamples:
    """Value = ``sensitivity`` x stored sample + ``baseline``; both as they stand in the header, None without a unit.

    ``samples`` are in the type of the file. Every value is off by at most half the sensitivity; NaN is stored as the
    padding value, which no other sample has.
    """

    samples: NDArray[np.integer[Any]]
    sensitivity: DSfloat | None
    baseline: DSfloat | None


def padding_of(interpretation: str) -> int:
    """Return the stored value of samples that hold nothing: the lowest of the type."""
    return int(np.iinfo(np.dtype(_DTYPES[interpretation])).min)


def dtype_of(interpretation: str) -> np.dtype[Any]:
    """Return the type of a sample in the file, little endian."""
    return np.dtype(_DTYPES[interpretation])


def stored_samples(
    values: NDArray[np.floating[Any]], interpretation: str, name: str, *, has_unit: bool, sensitivity: float | None
) -> StoredSamples:
    """Return what is stored of ``values`` (sample); the caller's array is left alone.

    Without a given ``sensitivity`` it is the finest of six digits that holds all values, the baseline 0 if the values
    contain it, else their middle. Values without a unit are full scale from -1 to 1. Raises :class:`ValueError` for
    values that do not fit.
    """
    limits = np.iinfo(dtype_of(interpretation))
    # As many steps below the middle as above it; the lowest integer is kept for padding.
    zero = 0 if limits.min < 0 else (int(limits.max) + 1) // 2
    steps = int(limits.max) - zero
    missing = np.isnan(values)
    present = values[~missing].astype(np.float64)
    if not has_unit:
        if np.abs(present).max(initial=0.0) > 1:
            raise ValueError(f"{name!r} has no unit, but values beyond full scale, -1 to 1")
        return StoredSamples(_integers(present * steps, zero, missing, interpretation), None, None)
    lowest, highest = float(present.min(initial=np.inf)), float(present.max(initial=-np.inf))
    middle = 0.0 if not present.size or lowest <= 0 <= highest else (lowest + highest) / 2
    if sensitivity is None:
        reach = float(np.abs(present - middle).max(initial=0.0))
        scale = _rounded_up(reach / steps) if reach > 0 else decimal(1.0)
    else:
        scale, middle = decimal(sensitivity), 0.0
    baseline = decimal(middle - zero * float(scale))
    offsets = (present - float(baseline)) / float(scale) - zero
    if np.rint(np.abs(offsets)).max(initial=0.0) > steps:
        raise ValueError(f"{name!r} goes from {lowest} to {highest}: {float(scale)} for a step does not reach so far")
    return StoredSamples(_integers(offsets, zero, missing, interpretation), scale, baseline)


def _integers(
    offsets: NDArray[np.float64], zero: int, missing: NDArray[np.bool_], interpretation: str
) -> NDArray[np.integer[Any]]:
    samples = np.full(missing.shape, padding_of(interpretation), dtype=dtype_of(interpretation))
    samples[~missing] = (np.rint(offsets) + zero).astype(samples.dtype)
    return samples


def _rounded_up(value: float) -> DSfloat:
    """Return a number of six digits that is not smaller than ``value``."""
    rounded = float(f"{value:.5e}")
    return decimal(rounded if rounded >= value else float(f"{value * (1 + 1e-5):.5e}"))
