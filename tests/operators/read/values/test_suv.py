"""SUV by body weight: numbers that can be checked by hand, in each way that the pseudo-code of QIBA knows."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from operators.read.rules import ReadingRules
from operators.refused import Reason, Refused
from phantoms.volumes.enhanced_pet import write_enhanced_pet
from phantoms.volumes.single_frame import write_pet
from tests.operators.read.second_readers import volume_of
from tests.operators.read.slices import AXIAL, ramp

SUV = ReadingRules(suv="body weight")
SHAPE = (3, 4, 5)
SLOPES = [0.5, 1.25, 3.0]

# 400 MBq, two half lives before the scan: 100 MBq are left for 70 kg.
TRACER = {"RadionuclideTotalDose": 400e6, "RadionuclideHalfLife": 1800, "RadiopharmaceuticalStartTime": "090000"}
WEIGHT = {"PatientWeight": 70}
FACTOR = 70_000 / 100e6
NO_TIME = {"RadiopharmaceuticalStartTime": None}


def write(folder: Path, *, tracer: dict[str, Any] | None = None, **attributes: Any) -> np.ndarray[Any, Any]:
    """A series that is scanned at 10:00; returns its activity concentration in Bq/ml."""
    written = write_pet(
        folder,
        ramp("i2", SHAPE),
        AXIAL,
        slopes=SLOPES,
        tracer={**TRACER, **(tracer or {})},
        **{**WEIGHT, **attributes},
    )
    return written.array


def factor_of(folder: Path, activity: np.ndarray[Any, Any]) -> float:
    volume = volume_of(folder, SUV)
    assert volume.units == "g/ml"
    assert volume.array.dtype == np.float32
    factor = float(volume.array[2, 3, 4]) / float(activity[2, 3, 4])
    np.testing.assert_allclose(volume.array.astype(np.float64), activity * factor, rtol=1e-6)
    return factor


@pytest.mark.parametrize(
    ("tracer", "attributes", "factor"),
    [
        ({}, {}, FACTOR),
        ({}, {"DecayCorrection": "ADMIN"}, 70_000 / 400e6),
        ({**NO_TIME, "RadiopharmaceuticalStartDateTime": "20260203093000"}, {}, 70e3 / 200e6),
        # Times with an offset are those of the header's zone, which is the same unless the header tells it.
        ({**NO_TIME, "RadiopharmaceuticalStartDateTime": "20260203093000.00+0100"}, {}, 70e3 / 200e6),
        (
            {**NO_TIME, "RadiopharmaceuticalStartDateTime": "20260203080000+0000"},
            {"TimezoneOffsetFromUTC": "+0100"},
            FACTOR,
        ),
        # Injected at 23:30, scanned at 00:30: the time of day alone lies in the day before.
        (
            {"RadiopharmaceuticalStartTime": "233000"},
            {"SeriesTime": "003000", "AcquisitionTime": "003000"},
            FACTOR,
        ),
        # A series that was made after the acquisition, and no count rate to date it: the earliest acquisition counts.
        ({}, {"SeriesTime": "150000", "FrameReferenceTime": 0, "AcquisitionTime": "100000"}, FACTOR),
        ({}, {"Units": "GML"}, 1.0),
        ({}, {"Units": "GML", "SUVType": "BW", "PatientWeight": None}, 1.0),
    ],
)
def test_factors_that_can_be_checked_by_hand(
    tmp_path: Path, tracer: dict[str, Any], attributes: dict[str, Any], factor: float
) -> None:
    activity = write(tmp_path, tracer=tracer, **attributes)
    assert factor_of(tmp_path, activity) == pytest.approx(factor, rel=1e-6)


def change(folder: Path, edit: Callable[[Dataset], None]) -> None:
    for path in folder.iterdir():
        instance = dcmread(path)
        edit(instance)
        instance.save_as(path)


def test_a_series_made_later_is_dated_by_ge_s_private_scan_time(tmp_path: Path) -> None:
    activity = write(tmp_path, SeriesTime="150000", AcquisitionTime="111500")

    def edit(instance: Dataset) -> None:
        instance.private_block(0x0009, "GEMS_PETD_01", create=True).add_new(0x0D, "DT", "20260203100000")

    change(tmp_path, edit)
    assert factor_of(tmp_path, activity) == pytest.approx(FACTOR, rel=1e-6)


def test_a_series_made_later_is_dated_by_its_average_count_rate(tmp_path: Path) -> None:
    """Frames of 10 min, the second and third an hour and more into the scan, which began at 10:00."""
    half_life, duration = 1800.0, 600.0
    constant = math.log(2) / half_life
    average = math.log(constant * duration / (1 - math.exp(-constant * duration))) / constant
    scan = datetime(2026, 2, 3, 10, 0)

    def each(index: int) -> dict[str, Any]:
        acquired = scan + timedelta(seconds=600 * index)
        return {
            "AcquisitionTime": f"{acquired:%H%M%S}",
            "FrameReferenceTime": f"{1000 * (600 * index + average):.6f}",
            "ActualFrameDuration": int(1000 * duration),
        }

    written = write_pet(
        tmp_path,
        ramp("i2", SHAPE),
        AXIAL,
        slopes=SLOPES,
        tracer=TRACER,
        each=each,
        SeriesTime="150000",
        PatientWeight=70,
    )
    assert factor_of(tmp_path, written.array) == pytest.approx(FACTOR, rel=1e-6)


@pytest.mark.parametrize(
    ("element", "factor"), [((0x00, 0.0123), 0.0123), ((0x09, 2.5), 2.5 * FACTOR)], ids=["SUV", "activity"]
)
def test_counts_are_scaled_by_the_private_factors_of_philips(
    tmp_path: Path, element: tuple[int, float], factor: float
) -> None:
    activity = write(tmp_path, Units="CNTS")
    change(
        tmp_path,
        lambda instance: instance.private_block(0x7053, "Philips PET Private Group", create=True).add_new(
            element[0], "DS", str(element[1])
        ),
    )
    assert factor_of(tmp_path, activity) == pytest.approx(factor, rel=1e-6)


@pytest.mark.parametrize(
    ("tracer", "attributes", "said"),
    [
        ({}, {"PatientWeight": None}, "Patient's Weight is absent"),
        ({}, {"PatientWeight": 0}, "Patient's Weight is 0"),
        ({"RadionuclideTotalDose": None}, {}, "Radionuclide Total Dose is absent"),
        ({"RadionuclideHalfLife": 0}, {}, "Radionuclide Half Life is 0"),
        ({"RadiopharmaceuticalStartTime": None}, {}, "Radiopharmaceutical Start Date Time and Start Time are absent"),
        ({}, {"RadiopharmaceuticalInformationSequence": None}, "has 0 items"),
        ({}, {"CorrectedImage": ["DECY"]}, "Corrected Image has no ATTN"),
        ({}, {"DecayCorrection": "NONE"}, "Decay Correction is NONE"),
        ({}, {"DecayCorrection": None}, "Decay Correction is absent"),
        ({}, {"Units": "CNTS"}, "(7053,xx00)"),
        ({}, {"Units": "GML", "SUVType": "LBM"}, "SUV Type is LBM"),
        ({}, {"Units": "1CM"}, "the units are 1CM"),
        ({"RadiopharmaceuticalStartDateTime": "20260101090000"}, {}, "s apart"),
        ({"RadiopharmaceuticalStartDateTime": "20260203080000+0000"}, {}, "disagree"),
        (
            {},
            {"SeriesTime": None, "AcquisitionTime": None, "SeriesDate": None},
            "do not tell when the scan began",
        ),
        ({"RadionuclideTotalDose": "***"}, {}, "RadionuclideTotalDose"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*")
def test_what_is_missing_is_named(
    tmp_path: Path, tracer: dict[str, Any], attributes: dict[str, Any], said: str
) -> None:
    damaged = {keyword: value for keyword, value in tracer.items() if value == "***"}
    write(tmp_path, tracer={key: value for key, value in tracer.items() if key not in damaged}, **attributes)
    if damaged:
        for path in tmp_path.iterdir():
            path.write_bytes(path.read_bytes().replace(b"400000000.0 ", b"***         "))
    with pytest.raises(Refused) as refused:
        volume_of(tmp_path, SUV)
    assert refused.value.reason is Reason.SUV_UNAVAILABLE
    assert said in refused.value.detail
    assert "instance 1" in refused.value.detail


def test_without_asking_the_values_are_activity(tmp_path: Path) -> None:
    activity = write(tmp_path, PatientWeight=None)
    volume = volume_of(tmp_path)
    assert volume.units == "BQML"
    np.testing.assert_array_equal(volume.array, activity.astype(np.float32))


def test_an_enhanced_pet_is_dated_by_its_decay_correction(tmp_path: Path) -> None:
    """Injected at 9:00 with 350 MBq of a half life of 6588 s, corrected to 10:00."""
    written = write_enhanced_pet(tmp_path, ramp("i2", SHAPE), AXIAL, slopes=SLOPES, PatientWeight=70)
    expected = 70_000 / (350e6 * 2 ** (-3600 / 6588))
    assert factor_of(tmp_path, written.array) == pytest.approx(expected, rel=1e-6)
