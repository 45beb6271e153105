from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from operators.read.frames import read_frames
from operators.read.pictures.frame_times import frame_times
from phantoms.frames.radiography import write_run
from phantoms.frames.ultrasound import write_ultrasound
from tests.operators.read.encoded_pictures import instance_at


def header(**attributes: Any) -> Dataset:
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"FrameTime": 40}, [0, 40, 80, 120]),
        ({"FrameTimeVector": [0, 30, 40, 50]}, [0, 30, 70, 120]),
        # The first increment passes before the first frame.
        ({"FrameTimeVector": [25, 30, 40, 50]}, [0, 30, 70, 120]),
        ({"FrameTime": 40, "FrameTimeVector": [0, 1, 1, 1], "FrameIncrementPointer": 0x00181063}, [0, 40, 80, 120]),
        ({"FrameTime": 40, "FrameTimeVector": [0, 1, 1, 1], "FrameIncrementPointer": 0x00181065}, [0, 1, 2, 3]),
        ({"FrameTime": 40, "FrameTimeVector": [0, 1], "FrameIncrementPointer": 0x00181065}, [0, 40, 80, 120]),
        ({"CineRate": 25}, [0, 40, 80, 120]),
        ({"FrameTime": 0, "RecommendedDisplayFrameRate": 10}, [0, 100, 200, 300]),
        ({"FrameTimeVector": [0, 1], "CineRate": 0}, None),
        ({}, None),
    ],
)
def test_where_times_come_from(attributes: dict[str, Any], expected: list[float] | None) -> None:
    found = frame_times(header(**attributes), 4)
    assert found is None if expected is None else np.allclose(found, expected)  # type: ignore[arg-type]


def test_one_frame_is_its_own_beginning() -> None:
    assert frame_times(Dataset(), 1) == np.zeros(1)


def test_functional_groups_tell_better() -> None:
    moments = ["20260204110000.250000", "20260204110000.500000", "20260204110001.000000"]
    headers = [header(FrameReferenceDateTime=moment) for moment in moments]
    np.testing.assert_allclose(frame_times(header(FrameTime=1), 3, headers), [0, 250, 750])  # type: ignore[arg-type]
    headers = [header(FrameAcquisitionDateTime=moment) for moment in moments]
    np.testing.assert_allclose(frame_times(header(FrameTime=1), 3, headers), [0, 250, 750])  # type: ignore[arg-type]
    same = [header(FrameAcquisitionDateTime=moments[0])] * 3
    np.testing.assert_allclose(frame_times(header(FrameTime=1), 3, same), [0, 1, 2])  # type: ignore[arg-type]


def test_times_of_read_frames(tmp_path: Path) -> None:
    for written in (
        write_ultrasound(tmp_path, frames=5),
        write_run(tmp_path),
        write_run(tmp_path, modality="RF", frame_times=(0, 30, 40, 30, 50, 30)),
    ):
        frames = read_frames(instance_at(written.path))
        assert frames.frame_times is not None
        assert written.times is not None
        np.testing.assert_allclose(frames.frame_times, written.times)
        some = read_frames(instance_at(written.path), frames=[1, 4])
        assert some.frame_times is not None
        np.testing.assert_allclose(some.frame_times, written.times[[1, 4]])
        np.testing.assert_array_equal(some.array, written.array[[1, 4]])
