"""Tracks and their numbers as bytes: there can be hundreds of thousands of them."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.tag import Tag

from operators.write.base.codes import code_sequence
from operators.write.base.element_bytes import element, item, sequence
from operators.write.tracks.colours import cielab
from operators.write.tracks.track_set import Floats, PointMeasurement, TrackSet


def encoded_track_set(description: Dataset, track_set: TrackSet, encodings: list[str]) -> bytes:
    """Return an item of the Track Set Sequence (0066,0101).

    ``description`` is the item without tracks and measurements, ``encodings`` the character set of its texts.
    """
    parts = {str(one.keyword): _encoded(description, one.keyword, encodings) for one in description}
    parts["TrackSequence"] = sequence("TrackSequence", *_tracks(track_set))
    if track_set.measurements:
        measurements = (_measurement(measurement, encodings) for measurement in track_set.measurements)
        parts["MeasurementsSequence"] = sequence("MeasurementsSequence", *measurements)
    return item(*(parts[keyword] for keyword in sorted(parts, key=Tag)))


def float32_bytes(values: Floats) -> bytes:
    """Return numbers as little endian float32 (OF)."""
    return np.ascontiguousarray(values, dtype="<f4").tobytes()


def _tracks(track_set: TrackSet) -> list[bytes]:
    """Return the items of the Track Sequence (0066,0102)."""
    items = []
    for index, track in enumerate(track_set.tracks):
        parts = [element("PointCoordinatesData", "OF", float32_bytes(track))]
        if track_set.track_colours:
            colour = np.array(cielab(track_set.track_colours[index]), dtype="<u2").tobytes()
            parts.insert(0, element("RecommendedDisplayCIELabValue", "US", colour))
        if track_set.point_colours:
            colours = np.array([cielab(one) for one in track_set.point_colours[index]], dtype="<u2").tobytes()
            parts.append(element("RecommendedDisplayCIELabValueList", "OW", colours))
        items.append(item(*parts))
    return items


def _measurement(measurement: PointMeasurement, encodings: list[str]) -> bytes:
    """Return an item of the Measurements Sequence (0066,0121): values of each track, with their points if not all."""
    codes = Dataset()
    codes.ConceptNameCodeSequence = code_sequence(measurement.name)
    codes.MeasurementUnitsCodeSequence = code_sequence(measurement.unit)
    items = []
    for values in measurement.values:
        measured = ~np.isnan(values)
        parts = [element("FloatingPointValues", "OF", float32_bytes(values[measured]))]
        if not measured.all():
            # The index of the first point is 1.
            points = np.flatnonzero(measured).astype("<u4") + np.uint32(1)
            parts.append(element("TrackPointIndexList", "OL", points.tobytes()))
        items.append(item(*parts))
    return item(
        _encoded(codes, "MeasurementUnitsCodeSequence", encodings),
        _encoded(codes, "ConceptNameCodeSequence", encodings),
        sequence("MeasurementValuesSequence", *items),
    )


def _encoded(dataset: Dataset, keyword: str, encodings: list[str]) -> bytes:
    """Return one attribute as pydicom writes it."""
    alone = Dataset()
    alone[keyword] = dataset[keyword]
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, alone, encodings)
    return buffer.getvalue()
