"""Tractography Results: DCMTK and pydicom read the same points, numbers, codes and colours."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.write.base.result import save
from operators.write.tracks.track_set import PointMeasurement, TrackSet, TrackSetStatistic, TrackStatistic
from operators.write.tractography_results import write_tractography_results
from tests.operators.write.studies import as_series, make_volume
from tests.peers import dcmtk

OUTPUT = OutputPart(object="tractography_results", title="Arcuate fasciculus", series_number=9013)
FA, NONE = codes.DCM.FractionalAnisotropy, codes.UCUM.NoUnits


def some_tracks(lengths: tuple[int, ...] = (2, 5, 9), seed: int = 0) -> tuple[NDArray[np.float64], ...]:
    random = np.random.default_rng(seed)
    return tuple(random.normal(scale=60, size=(length, 3)) for length in lengths)


def track_set(**changes: Any) -> TrackSet:
    given = {
        "label": "Faisceau arqué",
        "anatomy": codes.NEU.ArcuateFasciculus,
        "tracks": some_tracks(),
        "model": codes.DCM.SingleTensor,
        "tracking": (codes.DCM.Deterministic, codes.DCM.FACT),
        "laterality": codes.SCT.Left,
        "colour": (255, 0, 0),
        **changes,
    }
    return TrackSet(**given)


def measured() -> TrackSet:
    values = tuple(np.linspace(0.1, 0.9, len(track)) for track in some_tracks())
    values[1][[0, 3]] = np.nan
    return track_set(
        description="Seeds in the left parietal lobe",
        acquisition=codes.DCM.DTI,
        measurements=(
            PointMeasurement(FA, NONE, values),
            PointMeasurement(
                codes.DCM.MeanDiffusivity, Code("um2/s", "UCUM", "um2/s"), tuple(900 * one for one in some_fractions())
            ),
        ),
        track_statistics=(TrackStatistic(FA, NONE, codes.SCT.Mean, np.array([0.5, 0.4, 0.25])),),
        set_statistics=(TrackSetStatistic(FA, NONE, codes.SCT.Maximum, 0.9),),
    )


def some_fractions() -> tuple[NDArray[np.float64], ...]:
    return tuple(np.random.default_rng(3).uniform(size=len(track)) for track in some_tracks())


def floats(value: bytes) -> NDArray[np.float32]:
    return np.frombuffer(value, "<f4")


def write(analysis: Analysis, *track_sets: TrackSet) -> Any:
    return write_tractography_results("tracts", OUTPUT, as_series(make_volume("oblique")), track_sets, analysis)


def test_points_and_numbers_come_back(tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]) -> None:
    before = [track.copy() for track in some_tracks()]
    given = measured()
    for track in given.tracks:
        track.flags.writeable = False
    path = save(write(analysis, given), tmp_path)
    for track, copy in zip(given.tracks, before, strict=True):
        np.testing.assert_array_equal(track, copy)
    validate(path)
    read = dcmread(path)
    (found,) = read.TrackSetSequence
    assert (found.TrackSetNumber, found.TrackSetLabel) == (1, "Faisceau arqué")
    assert found.TrackSetDescription == given.description
    (anatomy,) = found.TrackSetAnatomicalTypeCodeSequence
    assert anatomy.CodeValue == codes.NEU.ArcuateFasciculus.value
    assert anatomy.ModifierCodeSequence[0].CodeMeaning == "Left"
    assert found.DiffusionModelCodeSequence[0].CodeValue == codes.DCM.SingleTensor.value
    families = [item.AlgorithmFamilyCodeSequence[0].CodeValue for item in found.TrackingAlgorithmIdentificationSequence]
    assert families == [codes.DCM.Deterministic.value, codes.DCM.FACT.value]
    for item in found.TrackingAlgorithmIdentificationSequence:
        assert (item.AlgorithmName, item.AlgorithmVersion) == (analysis.algorithm.name, analysis.algorithm.version)
    for item, track in zip(found.TrackSequence, given.tracks, strict=True):
        np.testing.assert_array_equal(floats(item.PointCoordinatesData).reshape(-1, 3), track.astype(np.float32))
        assert "RecommendedDisplayCIELabValue" not in item
    colour = highdicom.color.CIELabColor.from_dicom_value(list(found.RecommendedDisplayCIELabValue))
    np.testing.assert_allclose(colour.to_rgb(), (255, 0, 0), atol=1)

    for item, measurement in zip(found.MeasurementsSequence, given.measurements, strict=True):
        assert item.ConceptNameCodeSequence[0].CodeValue == measurement.name.value
        assert item.MeasurementUnitsCodeSequence[0].CodeValue == measurement.unit.value
        for stored, values in zip(item.MeasurementValuesSequence, measurement.values, strict=True):
            back = np.full(len(values), np.nan, np.float32)
            # The index of the first point is 1; without a list there is a value for every point.
            points = stored.get("TrackPointIndexList")
            at = slice(None) if points is None else np.frombuffer(points, "<u4") - 1
            back[at] = floats(stored.FloatingPointValues)
            np.testing.assert_array_equal(back, values.astype(np.float32))
    (statistic,) = found.TrackStatisticsSequence
    assert statistic.ModifierCodeSequence[0].CodeValue == codes.SCT.Mean.value
    np.testing.assert_array_equal(floats(statistic.FloatingPointValues), np.array([0.5, 0.4, 0.25], np.float32))
    (statistic,) = found.TrackSetStatisticsSequence
    assert (statistic.ModifierCodeSequence[0].CodeValue, statistic.FloatingPointValue) == (codes.SCT.Maximum.value, 0.9)
    assert statistic.MeasurementUnitsCodeSequence[0].CodeValue == "1"


def test_dcmtk_reads_the_same_points(tmp_path: Path, analysis: Analysis) -> None:
    given = measured()
    path = save(write(analysis, given), tmp_path)
    command = [dcmtk("dcmdump"), "+L", "+P", "0066,0016", "+P", "0066,0129", "+U8", str(path)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    points = [line.split()[2] for line in text.splitlines() if line.strip().startswith("(0066,0016) OF")]
    for found, track in zip(points, given.tracks, strict=True):
        np.testing.assert_array_equal(np.array(found.split("\\"), np.float32), track.astype(np.float32).ravel())
    (listed,) = re.findall(r"\(0066,0129\) OL (\S+)", text)
    assert listed == "2\\3\\5"
    label = subprocess.run(
        [dcmtk("dcmdump"), "+U8", "+P", "0066,0106", str(path)], capture_output=True, text=True, check=True
    ).stdout
    assert "[Faisceau arqué]" in label


def test_several_sets_in_colours_of_tracks_and_points(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]
) -> None:
    tracks = some_tracks()
    by_track = ((255, 0, 0), (0, 255, 0), (20, 30, 240))
    by_point = tuple(tuple((10 * index, 128, 255) for index in range(len(track))) for track in tracks)
    sets = [
        track_set(label="by track", colour=None, track_colours=by_track),
        track_set(label="by point", colour=None, point_colours=by_point, laterality=None),
    ]
    path = save(write(analysis, *sets), tmp_path)
    validate(path)
    first, second = dcmread(path).TrackSetSequence
    assert [first.TrackSetNumber, second.TrackSetNumber] == [1, 2]

    def rgb(value: Any) -> NDArray[np.float64]:
        return np.array(highdicom.color.CIELabColor.from_dicom_value([int(one) for one in value]).to_rgb())

    for item, colour in zip(first.TrackSequence, by_track, strict=True):
        np.testing.assert_allclose(rgb(item.RecommendedDisplayCIELabValue), colour, atol=1)
    for item, colours in zip(second.TrackSequence, by_point, strict=True):
        listed = np.frombuffer(item.RecommendedDisplayCIELabValueList, "<u2").reshape(-1, 3)
        for value, colour in zip(listed, colours, strict=True):
            np.testing.assert_allclose(rgb(value), colour, atol=1)
    assert "ModifierCodeSequence" not in second.TrackSetAnatomicalTypeCodeSequence[0]


def test_the_source_is_referenced(analysis: Analysis) -> None:
    volume = make_volume("oblique")
    result: Dataset = write(analysis, track_set())
    assert result.FrameOfReferenceUID == volume.frame_of_reference_uid
    for items in (result.ReferencedInstanceSequence, result.ReferencedSeriesSequence[0].ReferencedInstanceSequence):
        assert [item.ReferencedSOPInstanceUID for item in items] == [
            instance.sop_instance_uid for instance in volume.instances
        ]


@settings(deadline=None, max_examples=40)
@given(
    lengths=st.lists(st.integers(2, 6), min_size=1, max_size=4).map(tuple),
    label=st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20),
    missing=st.floats(0, 0.9),
    seed=st.integers(0, 1000),
)
def test_any_set_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    analysis: Analysis,
    lengths: tuple[int, ...],
    label: str,
    missing: float,
    seed: int,
) -> None:
    random = np.random.default_rng(seed)
    tracks = some_tracks(lengths, seed)
    values = tuple(np.where(random.uniform(size=length) < missing, np.nan, 0.5) for length in lengths)
    for one in values:
        one[-1] = 0.25
    given = track_set(label=label, tracks=tracks, measurements=(PointMeasurement(FA, NONE, values),))
    read = dcmread(save(write(analysis, given), tmp_path_factory.mktemp("tracts")))
    (found,) = read.TrackSetSequence
    assert found.TrackSetLabel == label
    for item, stored, track, one in zip(
        found.TrackSequence, found.MeasurementsSequence[0].MeasurementValuesSequence, tracks, values, strict=True
    ):
        np.testing.assert_array_equal(floats(item.PointCoordinatesData).reshape(-1, 3), track.astype(np.float32))
        assert ("TrackPointIndexList" in stored) == np.isnan(one).any()
        np.testing.assert_array_equal(floats(stored.FloatingPointValues), one[~np.isnan(one)].astype(np.float32))


def test_what_cannot_be_right_is_an_error(analysis: Analysis) -> None:
    tracks = some_tracks()
    good = tuple(np.ones(len(track)) for track in tracks)
    infinite = (*good[:2], np.full(9, np.inf))
    unknown = (*good[:2], np.full(9, np.nan))
    for message, changes in (
        ("label of a track set", {"label": ""}),
        ("label of a track set", {"label": "x" * 65}),
        ("no track, which", {"tracks": ()}),
        ("two or more points", {"tracks": (tracks[0][:1],)}),
        ("two or more points", {"tracks": (tracks[0][:, :2],)}),
        ("not finite", {"tracks": (tracks[0] * np.nan,)}),
        ("not finite", {"tracks": (tracks[0] * 1e300,)}),
        ("how its tracks were found", {"tracking": ()}),
        ("needs one colour", {"colour": None}),
        ("needs one colour", {"track_colours": ((0, 0, 0),) * 3}),
        ("3 tracks and 2 colours", {"colour": None, "track_colours": ((0, 0, 0),) * 2}),
        ("for each point of each track", {"colour": None, "point_colours": (((0, 0, 0),),) * 3}),
        ("not sRGB", {"colour": (0, 0, 256)}),
        ("one value for each point", {"measurements": (PointMeasurement(FA, NONE, good[:2]),)}),
        ("infinite value", {"measurements": (PointMeasurement(FA, NONE, infinite),)}),
        ("or none at all", {"measurements": (PointMeasurement(FA, NONE, unknown),)}),
        ("not of UCUM", {"measurements": (PointMeasurement(FA, FA, good),)}),
        ("UCUM does not have", {"measurements": (PointMeasurement(FA, Code("mm^2", "UCUM", "mm2"), good),)}),
        ("one finite number", {"track_statistics": (TrackStatistic(FA, NONE, codes.SCT.Mean, np.ones(2)),)}),
        ("is not finite", {"set_statistics": (TrackSetStatistic(FA, NONE, codes.SCT.Mean, np.nan),)}),
    ):
        with pytest.raises(ValueError, match=message):
            write(analysis, replace(track_set(), **changes))
    with pytest.raises(ValueError, match="no track set"):
        write(analysis)
    torn = make_volume()
    torn.instances[1].header.FrameOfReferenceUID = "1.2.3"
    with pytest.raises(ValueError, match="in no single space"):
        write_tractography_results("tracts", OUTPUT, as_series(torn), [track_set()], analysis)
