"""A set of tracks, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.sr.coding import Code

from operators.write.base.texts import require_text
from operators.write.base.units import require_unit

Colour = tuple[int, int, int]
"""sRGB, 0 to 255."""

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class PointMeasurement:
    """A quantity along every track of a set: one array (point) for each track, in ``unit`` (UCUM).

    NaN is a point where it was not measured. ``name`` is a code of PS3.16 CID 7263 or another quantity.
    """

    name: Code
    unit: Code
    values: tuple[Floats, ...]


@dataclass(frozen=True, eq=False)
class TrackStatistic:
    """One number for each track, e.g. the mean of a quantity: ``statistic`` is a code of PS3.16 CID 7464."""

    name: Code
    unit: Code
    statistic: Code
    values: Floats


@dataclass(frozen=True)
class TrackSetStatistic:
    """One number for the whole set: ``statistic`` is a code of PS3.16 CID 7464."""

    name: Code
    unit: Code
    statistic: Code
    value: float


@dataclass(frozen=True, eq=False)
class TrackSet:
    """Tracks of one anatomical structure (PS3.3 C.8.33.2).

    ``tracks`` are arrays (point, 3) in LPS mm, in order from end to end, at least two points each. ``anatomy`` is a
    code of PS3.16 CID 7710, ``model`` one of CID 7261 (e.g. single tensor), ``tracking`` one or more of CID 7262 (e.g.
    deterministic), ``acquisition`` one of CID 7260.

    ``colour`` is that of the whole set; or there is one for each track (``track_colours``), or one for each point of
    each track (``point_colours``).
    """

    label: str
    anatomy: Code
    tracks: tuple[Floats, ...]
    model: Code
    tracking: tuple[Code, ...]
    laterality: Code | None = None
    description: str = ""
    acquisition: Code | None = None
    colour: Colour | None = None
    track_colours: tuple[Colour, ...] = ()
    point_colours: tuple[tuple[Colour, ...], ...] = ()
    measurements: tuple[PointMeasurement, ...] = ()
    track_statistics: tuple[TrackStatistic, ...] = ()
    set_statistics: tuple[TrackSetStatistic, ...] = ()


def check_track_sets(track_sets: Sequence[TrackSet]) -> None:
    """Raise :class:`ValueError` for sets that cannot be written.

    That is: none at all, one without tracks, a track of fewer than two points or with one that is not finite in
    float32, colours given twice or not for every track or point, values that do not match tracks and points or are not
    finite, a unit that UCUM does not have, and texts that do not fit.
    """
    if not track_sets:
        raise ValueError("there is no track set to write")
    for track_set in track_sets:
        require_text("the label of a track set", track_set.label, "LO")
        if track_set.description:
            require_text(f"the description of {track_set.label!r}", track_set.description, "UT")
        if not track_set.tracks:
            raise ValueError(f"{track_set.label!r} has no track, which the standard does not allow")
        if not track_set.tracking:
            raise ValueError(f"{track_set.label!r} does not say how its tracks were found")
        for number, track in enumerate(track_set.tracks, start=1):
            if track.ndim != 2 or track.shape[1] != 3 or len(track) < 2:
                raise ValueError(f"track {number} of {track_set.label!r} is {track.shape}, not two or more points of 3")
            if not _is_finite(track):
                raise ValueError(f"track {number} of {track_set.label!r} has a point that is not finite")
        _check_colours(track_set)
        _check_values(track_set)


def _check_colours(track_set: TrackSet) -> None:
    given = (track_set.colour is not None) + bool(track_set.track_colours) + bool(track_set.point_colours)
    if given != 1:
        raise ValueError(f"{track_set.label!r} needs one colour, or those of its tracks, or those of their points")
    lengths = [len(track) for track in track_set.tracks]
    if track_set.track_colours and len(track_set.track_colours) != len(lengths):
        raise ValueError(f"{track_set.label!r} has {len(lengths)} tracks and {len(track_set.track_colours)} colours")
    if track_set.point_colours and [len(colours) for colours in track_set.point_colours] != lengths:
        raise ValueError(f"{track_set.label!r} does not have one colour for each point of each track")
    own = (track_set.colour,) if track_set.colour is not None else ()
    for colour in {*own, *track_set.track_colours, *(one for colours in track_set.point_colours for one in colours)}:
        if len(colour) != 3 or not all(0 <= value <= 255 for value in colour):
            raise ValueError(f"{track_set.label!r} has the colour {colour}, which is not sRGB from 0 to 255")


def _check_values(track_set: TrackSet) -> None:
    lengths = [len(track) for track in track_set.tracks]
    for measurement in track_set.measurements:
        name = _checked_name(track_set, measurement.name, measurement.unit)
        if [values.shape for values in measurement.values] != [(length,) for length in lengths]:
            raise ValueError(f"{name} does not have one value for each point of each track")
        for number, values in enumerate(measurement.values, start=1):
            measured = values[~np.isnan(values)]
            if not measured.size or not _is_finite(measured):
                raise ValueError(f"{name}: track {number} has an infinite value, or none at all")
    for statistic in track_set.track_statistics:
        name = _checked_name(track_set, statistic.name, statistic.unit)
        if statistic.values.shape != (len(lengths),) or not _is_finite(statistic.values):
            raise ValueError(f"{name} does not have one finite number for each track")
    for single in track_set.set_statistics:
        name = _checked_name(track_set, single.name, single.unit)
        if not np.isfinite(single.value):
            raise ValueError(f"{name} is not finite")


def _checked_name(track_set: TrackSet, name: Code, unit: Code) -> str:
    what = f"{name.meaning} of {track_set.label!r}"
    require_unit(what, unit)
    return what


def _is_finite(values: Floats) -> bool:
    """Whether all values are finite, also as float32."""
    return bool(np.isfinite(values).all() and np.abs(values).max(initial=0.0) <= np.finfo(np.float32).max)
