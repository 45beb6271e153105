"""Stored value → value in the modality's units: rescale, Modality LUT or Real World Value Mapping."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from operators.read.attributes import MalformedAttributeError, integer, numbers, text, values
from operators.read.geometry.slices import Slice
from operators.read.headers.items import items
from operators.read.headers.remembered import Remembered
from operators.read.pixels.pixel_format import PixelFormat
from operators.refused import Reason, Refused

_INTEGER_TYPES = tuple(map(np.dtype, (np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.int64)))

# Slope, intercept and what comes of them are float64, which beyond this leaves whole numbers out.
_LARGEST_WHOLE = 1 << 53

_LARGEST_FLOAT32 = float(np.finfo(np.float32).max)

# Rescale Types that say nothing: "US" is "unspecified" (PS3.3 section C.11.1.1.2).
_UNSPECIFIED = (None, "US")


@dataclass(frozen=True)
class Rescale:
    """Value = slope x stored value + intercept (PS3.3 section C.11.1.1.2)."""

    slope: float = 1.0
    intercept: float = 0.0

    @property
    def is_whole(self) -> bool:
        """Whether integers stay integers."""
        return self.slope.is_integer() and self.intercept.is_integer()

    def ends(self, lowest: float, highest: float) -> tuple[float, float]:
        """Return the values of two stored values, the lower one first."""
        found = sorted((lowest * self.slope + self.intercept, highest * self.slope + self.intercept))
        return found[0], found[1]


@dataclass(frozen=True, eq=False)
class LookupTable:
    """Value = table[stored value - first], the ends of the table standing for all beyond (PS3.3 section C.11.1.1.1)."""

    first: int
    table: NDArray[np.generic]

    def ends(self, lowest: float, highest: float) -> tuple[float, float]:
        """Return the values of two stored values, the lower one first."""
        at = np.clip(np.array([lowest, highest]) - self.first, 0, len(self.table) - 1).astype(int)
        found = sorted(float(value) for value in self.table[at])
        return found[0], found[1]

    @property
    def range(self) -> tuple[float, float]:
        """Smallest and largest value that a table of this type can hold."""
        limits = np.iinfo(self.table.dtype)  # type: ignore[type-var]
        return float(limits.min), float(limits.max)


Transformation = Rescale | LookupTable
IDENTITY = Rescale()


@dataclass(frozen=True, eq=False)
class Calibration:
    """What a slice's stored values mean: how to get the values, and in which units (empty: not told)."""

    transformation: Transformation
    units: str


def calibrations_of(slices: Iterable[Slice]) -> list[Calibration]:
    """Return the calibration of each slice; raises :class:`Refused` like :func:`calibration`."""
    remembered = Remembered(_calibration, _CALIBRATION_KEYWORDS)
    return [calibration(item, remembered) for item in slices]


def calibration(item: Slice, read: Callable[[Dataset], Calibration] | None = None) -> Calibration:
    """Return how a slice's values come from its stored values.

    That is the Modality LUT if there is one, else Rescale Slope and Intercept. Where there are neither, or only an
    identity of unspecified type as enhanced objects must have one, a single linear Real World Value Mapping (PS3.3
    section C.7.6.16.2.11) is applied. Photometric Interpretation and Presentation LUT Shape concern display only.

    Raises :class:`Refused` with ``UNSUPPORTED_PIXEL_FORMAT`` for a transformation that is malformed or ambiguous.
    """
    try:
        return (read or _calibration)(item.header)
    except MalformedAttributeError as error:
        raise Refused(Reason.UNSUPPORTED_PIXEL_FORMAT, f"{item.name}: {error}") from error
    except ValueError as error:
        raise Refused(Reason.UNSUPPORTED_PIXEL_FORMAT, f"{item.name} has {error}") from error


def _calibration(header: Dataset) -> Calibration:
    slope = numbers(header, "RescaleSlope", count=1)
    intercept = numbers(header, "RescaleIntercept", count=1)
    if "ModalityLUTSequence" in header and (tables := items(header, "ModalityLUTSequence")):
        if slope or intercept:
            raise ValueError("a Modality LUT as well as a Rescale Slope")
        return Calibration(_modality_lut(header, tables[0]), text(tables[0], "ModalityLUTType") or "")
    rescale = Rescale(slope[0] if slope else 1.0, intercept[0] if intercept else 0.0)
    if rescale.slope == 0.0:
        raise ValueError("a Rescale Slope of 0")
    kind = text(header, "RescaleType") if "RescaleType" in header else None
    if kind in _UNSPECIFIED and "RealWorldValueMappingSequence" in header:
        mappings = items(header, "RealWorldValueMappingSequence")
        if mappings and rescale == IDENTITY:
            return _real_world(mappings)
        if len(mappings) == 1 and (mapping := _real_world(mappings)).transformation == rescale:
            return mapping
    return Calibration(rescale, _units(header, kind))


_CALIBRATION_KEYWORDS = (
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "Units",
    "Modality",
    "PixelRepresentation",
    "ModalityLUTSequence",
    "RealWorldValueMappingSequence",
)


def _units(header: Dataset, kind: str | None) -> str:
    if kind not in _UNSPECIFIED:
        return str(kind)
    if "Units" in header:
        return text(header, "Units") or ""
    return "HU" if text(header, "Modality") == "CT" and "RescaleIntercept" in header else ""


def _modality_lut(header: Dataset, item: Dataset) -> LookupTable:
    """The Modality LUT (PS3.3 section C.11.1.1.1)."""
    descriptor = numbers(item, "LUTDescriptor", count=3)
    data = values(item, "LUTData")
    if not descriptor or not data:
        raise ValueError("a Modality LUT without descriptor or data")
    bits = int(descriptor[2])
    entries = int(descriptor[0]) % (1 << 16) or 1 << 16
    first = int(descriptor[1])
    # The parser may take the second value for unsigned: it has the sign of the stored values.
    if integer(header, "PixelRepresentation") == 1 and first >= 1 << 15:
        first -= 1 << 16
    if isinstance(data[0], bytes):
        # Eight bits may stand in bytes or in words.
        is_words = len(data[0]) >= 2 * entries
        table = np.frombuffer(data[0][: len(data[0]) // 2 * 2], "<u2" if is_words else "u1")
    elif all(type(value) is int and -(1 << 15) <= value < 1 << 16 for value in data):
        table = np.array([value & 0xFFFF for value in data], dtype=np.uint16)
    else:
        raise ValueError("a Modality LUT that holds something else than words of 16 bits")
    if bits not in range(8, 17) or len(table) < entries:
        raise ValueError(f"a Modality LUT of {bits} bits with {len(table)} of {entries} entries")
    return LookupTable(first, table[:entries].astype(np.uint8 if bits == 8 else np.uint16))


def _real_world(mappings: tuple[Dataset, ...]) -> Calibration:
    if len(mappings) > 1:
        raise ValueError(f"{len(mappings)} Real World Value Mappings and no Rescale Slope that would decide")
    slope = numbers(mappings[0], "RealWorldValueSlope", count=1)
    intercept = numbers(mappings[0], "RealWorldValueIntercept", count=1)
    table = numbers(mappings[0], "RealWorldValueLUTData")
    units = "".join(text(code, "CodeValue") or "" for code in items(mappings[0], "MeasurementUnitsCodeSequence")[:1])
    if table:
        first = numbers(mappings[0], "RealWorldValueFirstValueMapped", count=1)
        if not first or abs(first[0]) >= 1 << 32:
            raise ValueError("a Real World Value Mapping without a first value")
        return Calibration(LookupTable(int(first[0]), np.array(table, dtype=np.float32)), units)
    if not slope or slope[0] == 0.0:
        raise ValueError("a Real World Value Mapping without a slope")
    return Calibration(Rescale(slope[0], intercept[0] if intercept else 0.0), units)


def output_dtype(
    forms: Iterable[PixelFormat], transformations: Iterable[Transformation], fill: float | None = None
) -> np.dtype[np.generic]:
    """Return one type for a whole volume, from the headers alone: the same scanner settings give the same type.

    The stored type if that can hold every possible value, else the smallest integer type that can; float32 when slope
    or intercept are fractional or differ between slices, or the table or ``fill`` are fractional, or values exceed
    2^53; float64 beyond the range of float32. Stored float64 stays float64.

    Raises :class:`Refused` with ``UNSUPPORTED_PIXEL_FORMAT`` when values can be beyond the range of float64.
    """
    pairs = list(zip(forms, transformations, strict=True))
    stored = pairs[0][0].dtype
    if any(form.dtype.kind == "f" for form, _ in pairs):
        return np.dtype(np.float64 if any(form.dtype == np.float64 for form, _ in pairs) else np.float32)
    rescales = {change for _, change in pairs if isinstance(change, Rescale)}
    tables = [change for _, change in pairs if isinstance(change, LookupTable)]
    whole = all(change.is_whole for change in rescales) and all(change.table.dtype.kind != "f" for change in tables)
    extremes = [end for form in {form for form, _ in pairs} for change in rescales for end in change.ends(*form.range)]
    if not all(map(math.isfinite, extremes)):
        raise Refused(Reason.UNSUPPORTED_PIXEL_FORMAT, "Rescale Slope and Intercept lead beyond the range of float64")
    if any(abs(end) > _LARGEST_FLOAT32 for end in extremes):
        return np.dtype(np.float64)
    if not whole or len(rescales) + bool(tables) > 1 or (fill is not None and not fill.is_integer()):
        return np.dtype(np.float32)
    ends = [int(end) for end in extremes]
    ends += [int(end) for table in tables for end in table.range]
    ends += [int(fill)] if fill is not None else []
    for dtype in (stored, *_INTEGER_TYPES) if max(map(abs, ends)) <= _LARGEST_WHOLE else ():
        limits = np.iinfo(dtype)  # type: ignore[type-var]
        if limits.min <= min(ends) and max(ends) <= limits.max:
            return dtype
    return np.dtype(np.float32)


def apply(transformation: Transformation, stored: NDArray[np.generic], out: NDArray[np.generic]) -> None:
    """Write the values of ``stored`` to ``out``, which may be the same memory if both hold integers of one size."""
    if isinstance(transformation, LookupTable):
        at = stored.astype(np.int64) - transformation.first
        np.take(transformation.table.astype(out.dtype), at, out=out, mode="clip")
    elif out.dtype.kind == "f":
        # float64 in between: one rounding only, when the result is stored.
        exact = np.multiply(stored, transformation.slope, dtype=np.float64)
        exact += transformation.intercept
        out[...] = exact
    else:
        _apply_whole(transformation, stored, out)


def _apply_whole(rescale: Rescale, stored: NDArray[np.generic], out: NDArray[np.generic]) -> None:
    """Integers of a fixed size calculate modulo 2^n, so only the result has to fit, not what comes in between."""
    slope, intercept = _modulo(rescale.slope, out.dtype), _modulo(rescale.intercept, out.dtype)
    if not np.may_share_memory(stored, out):
        np.copyto(out, stored, casting="unsafe")
    if slope != 1:
        np.multiply(out, slope, out=out)
    if intercept != 0:
        np.add(out, intercept, out=out)


@lru_cache(maxsize=64)
def _modulo(value: float, dtype: np.dtype[np.generic]) -> NDArray[np.generic]:
    return np.array(int(value)).astype(dtype)
