"""The variables of a selection expression: what a series is called and worth in Common Expression Language."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from celpy import celtypes
from pydicom._dicom_dict import DicomDictionary
from pydicom.dataset import Dataset

from operators.read.attributes import MalformedAttributeError, numbers, values
from operators.read.geometry.slice_geometry import slice_spacing
from operators.read.geometry.slices import first_header, slices_of
from operators.read.study import Series
from operators.refused import Refused

CelValue = Any
"""A value of celpy's own types: without them an expression is not typed as CEL says."""

_DOUBLE = frozenset({"DS", "FD", "FL"})
_INTEGER = frozenset({"IS", "US", "SS", "UL", "SL", "UV", "SV", "US or SS"})
_TEXT = frozenset({"AE", "AS", "CS", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"})

# What the value of each representation becomes; sequences, tags and bulk data are not exposed.
_CONVERSIONS: Mapping[str, Callable[[Any], CelValue]] = {
    **dict.fromkeys(_DOUBLE, lambda value: celtypes.DoubleType(float(value))),
    **dict.fromkeys(_INTEGER, lambda value: celtypes.IntType(int(value))),
    **dict.fromkeys(_TEXT, lambda value: celtypes.StringType(str(value).strip())),
}

# Keyword to value representation and whether the attribute may have several values (PS3.6).
_KEYWORDS = {keyword: (vr, vm != "1") for vr, vm, _, _, keyword in DicomDictionary.values() if keyword}

_TIME_OF_DAY = re.compile(r"(\d{2}):?(\d{2}):?(\d{2}(?:\.\d+)?)")
"""TM and the time of a DT (PS3.5 section 6.2), and the colons of ACR-NEMA."""


class SeriesVariables:
    """The value of each name that an expression may use, for one series; each is worked out once, when asked for.

    A DICOM keyword stands for that attribute of the first slice (:mod:`operators.read.geometry.slices`): DS, FD
    and FL are double, IS, US, SS and their longer kin int, texts, names, dates and times string. An attribute that may
    have several values (PS3.6) is always a list, any other never. An attribute that is absent or has no value has none
    here either.
    """

    def __init__(self, series: Series) -> None:
        self._series = series
        self._header: Dataset | None = None
        self._known: dict[str, CelValue | None] = {}

    def __call__(self, name: str) -> CelValue | None:
        """Return the value of a name, or None if the series has none.

        Raises :class:`MalformedAttributeError` when there is a value that cannot be read.
        """
        if name not in self._known:
            if self._header is None:
                self._header = first_header(self._series.instances[0])
            derived = _DERIVED.get(name)
            self._known[name] = derived[1](self._series, self._header) if derived else _attribute(self._header, name)
        return self._known[name]


def _attribute(header: Dataset, keyword: str) -> CelValue | None:
    vr, multiple = _KEYWORDS[keyword]
    found = values(header, keyword)
    if not found:
        return None
    # In a text of one value a backslash is a mistake of the writer, and the text is meant as a whole.
    if not multiple and vr in _TEXT:
        return celtypes.StringType("\\".join(str(value).strip() for value in found))
    if not multiple and len(found) > 1:
        raise MalformedAttributeError(f"{keyword} has {len(found)} values instead of one")
    try:
        converted = [_CONVERSIONS[vr](value) for value in found]
    except (TypeError, ValueError) as error:
        raise MalformedAttributeError(f"{keyword} is not a number: {error}") from error
    return celtypes.ListType(converted) if multiple else converted[0]


def _instances(series: Series, header: Dataset) -> CelValue:
    return celtypes.IntType(len(series.instances))


def _slices(series: Series, header: Dataset) -> CelValue | None:
    try:
        return celtypes.IntType(len(slices_of(series)))
    # What has no slices has no number of them either.
    except Refused:
        return None


def _voxel_volume(series: Series, header: Dataset) -> CelValue | None:
    pixel_spacing = numbers(header, "PixelSpacing", count=2)
    distance = slice_spacing(series)
    if not pixel_spacing or distance is None:
        return None
    return celtypes.DoubleType(pixel_spacing[0] * pixel_spacing[1] * distance)


def _acquisition_time(series: Series, header: Dataset) -> CelValue | None:
    for keyword, start in (("AcquisitionDateTime", 8), ("AcquisitionTime", 0), ("SeriesTime", 0)):
        for value in values(header, keyword):
            # De-identified headers hold texts such as "***" here: the next attribute may still tell.
            if match := _TIME_OF_DAY.match(str(value)[start:]):
                hours, minutes, seconds = match.groups()
                return celtypes.DoubleType(3600 * int(hours) + 60 * int(minutes) + float(seconds))
    return None


_DERIVED: Mapping[str, tuple[CelValue, Callable[[Series, Dataset], CelValue | None]]] = {
    "instances": (celtypes.IntType(20), _instances),
    "slices": (celtypes.IntType(20), _slices),
    "voxel_volume": (celtypes.DoubleType(1.5), _voxel_volume),
    "acquisition_time": (celtypes.DoubleType(36000.5), _acquisition_time),
}

DERIVED_NAMES = {
    "instances": "number of instances in the series",
    "slices": "number of slices in the series: instances, frames of multi-frame ones, tiles of mosaics",
    "voxel_volume": "pixel spacing x distance of neighbouring slices, in mm³ (double)",
    "acquisition_time": "time of acquisition, else of the series, in seconds of the day (double)",
}
"""The names beside the DICOM keywords, and what they stand for."""


def keywords() -> frozenset[str]:
    """Return every DICOM keyword that an expression may use."""
    return frozenset(keyword for keyword, (vr, _) in _KEYWORDS.items() if vr in _CONVERSIONS)


def sample(name: str) -> CelValue:
    """Return a made-up value of the type that a name has in every series: for checking an expression's types."""
    if name in _DERIVED:
        return _DERIVED[name][0]
    vr, multiple = _KEYWORDS[name]
    value = _CONVERSIONS[vr]("X" if vr in _TEXT else 2)
    return celtypes.ListType([value] * 8) if multiple else value
