"""Regions and temporal coordinates that cannot be are errors where they are made."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from operators.measure.region import ImageRegion, PatientRegion
from operators.measure.temporal import TemporalCoordinates, WaveformChannels


def image(frames: int | None = None) -> Dataset:
    header = Dataset()
    header.SOPInstanceUID = "1.2.3"
    header.Rows, header.Columns = 10, 20
    if frames is not None:
        header.NumberOfFrames = frames
    return header


def waveform(*groups: tuple[int, int]) -> Dataset:
    """A header with a multiplex group of each number of channels and samples."""
    header = Dataset()
    header.SOPInstanceUID = "1.2.4"
    items = []
    for channels, samples in groups:
        item = Dataset()
        item.NumberOfWaveformChannels, item.NumberOfWaveformSamples = channels, samples
        items.append(item)
    header.WaveformSequence = Sequence(items)
    return header


def test_points_may_lie_on_the_images_border() -> None:
    ImageRegion(image(), "POLYLINE", ((0, 0), (20, 10), (20.0, 0)))
    ImageRegion(image(3), "POINT", ((0.5, 0.5),), frame=3)


@pytest.mark.parametrize(
    ("graphic", "points", "message"),
    [
        ("POINT", ((20.5, 1),), "outside the image"),
        ("POINT", ((1, -0.1),), "outside the image"),
        ("POINT", ((float("nan"), 1),), "finite"),
        ("POINT", ((1, 2, 3),), "2 finite coordinates"),
        ("POINT", ((1, 1), (2, 2)), "a POINT has 1 points, not 2"),
        ("CIRCLE", ((1, 1),), "a CIRCLE has 2 points"),
        ("ELLIPSE", ((1, 1), (2, 2)), "ELLIPSE has 4 points"),
        ("POLYLINE", ((1, 1),), "at least 2 points"),
        ("POLYGON", (), "at least 4"),
        ("SQUARE", ((1, 1),), "no graphic type"),
    ],
)
def test_a_region_that_cannot_be_is_an_error(graphic: Any, points: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ImageRegion(image(), graphic, points)


def test_a_region_is_on_one_frame_of_an_image() -> None:
    with pytest.raises(ValueError, match="has several frames"):
        ImageRegion(image(3), "POINT", ((1, 1),))
    with pytest.raises(ValueError, match="has 3 frames, named is frame 4"):
        ImageRegion(image(3), "POINT", ((1, 1),), frame=4)
    with pytest.raises(ValueError, match="is no image"):
        ImageRegion(waveform((1, 1)), "POINT", ((1, 1),))


def test_a_polygon_is_closed_and_lies_in_a_frame_of_reference() -> None:
    corners = ((0.0, 0.0, 1.0), (1.0, 0.0, 1.0), (1.0, 1.0, 1.0))
    PatientRegion("1.2", "POLYGON", (*corners, corners[0]))
    with pytest.raises(ValueError, match="end where it begins"):
        PatientRegion("1.2", "POLYGON", (*corners, (0.0, 1.0, 1.0)))
    with pytest.raises(ValueError, match="frame of reference"):
        PatientRegion("", "POINT", (corners[0],))
    with pytest.raises(ValueError, match="6 points"):
        PatientRegion("1.2", "ELLIPSOID", corners)


def test_channels_are_those_of_the_waveform() -> None:
    header = waveform((2, 100), (1, 50))
    WaveformChannels(header, ((1, 0), (1, 2), (2, 1)))
    with pytest.raises(ValueError, match="no multiplex group 3 among 2"):
        WaveformChannels(header, ((3, 1),))
    with pytest.raises(ValueError, match="has 1 channels, named is channel 2"):
        WaveformChannels(header, ((2, 2),))
    with pytest.raises(ValueError, match="is no waveform"):
        WaveformChannels(image())


@pytest.mark.parametrize(
    ("kind", "samples", "offsets", "message"),
    [
        ("POINT", (), (), "one of both"),
        ("POINT", (1,), (0.5,), "one of both"),
        ("POINT", (1, 2), (), "cannot have 2 points"),
        ("SEGMENT", (1,), (), "cannot have 1 points"),
        ("SEGMENT", (50, 20), (), "follow each other"),
        ("MULTISEGMENT", (1, 2, 3), (), "two points for each segment"),
        ("SEGMENT", (1, 101), (), "not among the 100 samples"),
        ("POINT", (0,), (), "not among the 100 samples"),
        ("POINT", (), (float("inf"),), "finite"),
        ("RANGE", (1,), (), "no temporal range type"),
    ],
)
def test_times_that_cannot_be_are_errors(kind: Any, samples: Any, offsets: Any, message: str) -> None:
    channels = WaveformChannels(waveform((2, 100), (1, 50)), ((1, 2),))
    with pytest.raises(ValueError, match=message):
        TemporalCoordinates(channels, kind, samples, offsets)


def test_sample_positions_are_of_one_multiplex_group() -> None:
    header = waveform((2, 100), (1, 50))
    with pytest.raises(ValueError, match="one multiplex group"):
        TemporalCoordinates(WaveformChannels(header, ((1, 1), (2, 1))), "POINT", (10,))
    with pytest.raises(ValueError, match="one multiplex group"):
        TemporalCoordinates(WaveformChannels(header), "POINT", (10,))
    TemporalCoordinates(WaveformChannels(waveform((2, 100))), "POINT", (10,))
    TemporalCoordinates(WaveformChannels(header, ((1, 1), (2, 1))), "POINT", time_offsets=(0.1,))
