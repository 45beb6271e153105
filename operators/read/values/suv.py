"""Standardised uptake value by body weight, from the headers of a PET series.

Follows the vendor-neutral pseudo-code of the Quantitative Imaging Biomarkers Alliance, "SUV Vendor-neutral
Pseudo-code" (https://qibawiki.rsna.org/index.php/Standardized_Uptake_Value_(SUV)), and PS3.3 section C.8.9.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from pydicom.dataset import Dataset

from operators.read.attributes import MalformedAttributeError, numbers, text, values
from operators.read.geometry.slices import Slice
from operators.read.headers.items import items
from operators.read.headers.moments import date_and_time, moment
from operators.read.headers.private import private_numbers, private_values
from operators.read.values.rescale import Calibration, Rescale
from operators.refused import Reason, Refused

SUV_UNITS = "g/ml"
"""Units of the SUV by body weight: "g/ml{SUVbw}" in PS3.16 CID 84, "GML" in PET images."""

_PHILIPS = ("Philips PET Private Group", 0x7053)
_GE = ("GEMS_PETD_01", 0x0009)
# Two attributes of one moment may be rounded differently.
_SAME_TIME_SECONDS = 60.0
_CORRECTIONS = ("ATTN", "DECY")


class _Absent(ValueError):  # noqa: N818 - what is absent, to be told with the slice's name
    """Something without which there is no SUV."""


def suv_factors(slices: Sequence[Slice], calibrations: Sequence[Calibration]) -> list[float]:
    """Return for each slice the factor from its calibrated values to SUV by body weight in g/ml.

    Units BQML: weight / (dose, decayed to the time to which the image is corrected). CNTS: Philips' private SUV factor,
    else its activity concentration factor and then as BQML. GML: 1, unless SUV Type is not body weight.

    Raises :class:`Refused` with ``SUV_UNAVAILABLE`` naming the attribute that is absent, empty, zero or unsuitable.
    """
    start = _earliest_acquisition(slices)
    factors = []
    for item, found in zip(slices, calibrations, strict=True):
        try:
            factor = _factor(item.header, found.units, start)
            if not 0 < factor < math.inf:
                raise _Absent(f"the factor would be {factor:g}")
            factors.append(factor)
        # Numbers that no scan has can be too large to calculate with.
        except (ValueError, ArithmeticError) as error:
            raise Refused(Reason.SUV_UNAVAILABLE, f"{item.name}: {error}") from error
    return factors


def as_suv(found: Calibration, factor: float) -> Calibration:
    """Return a calibration whose values are multiplied by an SUV factor; raises :class:`Refused` for a table."""
    if not isinstance(found.transformation, Rescale):
        raise Refused(Reason.SUV_UNAVAILABLE, "the values come from a lookup table, not a Rescale Slope")
    return Calibration(Rescale(found.transformation.slope * factor, found.transformation.intercept * factor), SUV_UNITS)


def _factor(header: Dataset, units: str, start: datetime | None) -> float:
    if units in ("GML", "g/ml{SUVbw}"):
        kind = text(header, "SUVType") or "BW"
        if kind != "BW":
            raise _Absent(f"SUV Type is {kind}, not BW (body weight)")
        return 1.0
    if units == "CNTS":
        return _philips_factor(header, start)
    if units in ("BQML", "Bq/ml"):
        return _factor_of_activity(header, start)
    raise _Absent(f"the units are {units or 'not told'}, SUV needs BQML, CNTS or GML")


def _philips_factor(header: Dataset, start: datetime | None) -> float:
    direct = private_numbers(header, *_PHILIPS, 0x00)
    if direct and direct[0] > 0:
        return direct[0]
    activity = private_numbers(header, *_PHILIPS, 0x09)
    if activity and activity[0] > 0:
        return activity[0] * _factor_of_activity(header, start)
    raise _Absent("Units are CNTS, and Philips' private factors (7053,xx00) and (7053,xx09) are absent")


def _factor_of_activity(header: Dataset, start: datetime | None) -> float:
    corrections = values(header, "CorrectedImage")
    lacking = [name for name in _CORRECTIONS if name not in corrections]
    if lacking and not _is_corrected(header):
        raise _Absent(f"Corrected Image has no {', '.join(lacking)}")
    tracers = items(header, "RadiopharmaceuticalInformationSequence")
    if len(tracers) != 1:
        raise _Absent(f"Radiopharmaceutical Information Sequence has {len(tracers)} items instead of one")
    dose = _positive(tracers[0], "RadionuclideTotalDose", "Radionuclide Total Dose")
    weight = _positive(header, "PatientWeight", "Patient's Weight")
    half_life = _positive(tracers[0], "RadionuclideHalfLife", "Radionuclide Half Life")
    decay = _decay_seconds(header, tracers[0], start, half_life)
    return weight * 1000 / (dose * 2.0 ** (-decay / half_life))


def _is_corrected(header: Dataset) -> bool:
    """Enhanced PET tells each correction by an attribute of its own (PS3.3 section C.8.22.3)."""
    return text(header, "DecayCorrected") == "YES" and text(header, "AttenuationCorrected") == "YES"


def _decay_seconds(header: Dataset, tracer: Dataset, start: datetime | None, half_life: float) -> float:
    """Seconds from the injection to the time to which the values are corrected for decay."""
    correction = text(header, "DecayCorrection")
    if correction == "ADMIN":
        return 0.0
    corrected_to = moment(text(header, "DecayCorrectionDateTime"), text(header, "TimezoneOffsetFromUTC"))
    if corrected_to is None:
        if correction != "START":
            raise _Absent(f"Decay Correction is {correction or 'absent'}, not START or ADMIN")
        corrected_to = _scan_start(header, start, half_life)
    injected = _injection(header, tracer, corrected_to)
    seconds = (corrected_to - injected).total_seconds()
    if not 0 <= seconds <= 20 * half_life:
        raise _Absent(f"the injection at {injected} and the scan at {corrected_to} are {seconds:g} s apart")
    return seconds


def _injection(header: Dataset, tracer: Dataset, corrected_to: datetime) -> datetime:
    """The start of the injection in the time zone of the other times of the header."""
    zone = text(header, "TimezoneOffsetFromUTC")
    dated = moment(text(tracer, "RadiopharmaceuticalStartDateTime"), zone)
    # The time of day alone: of the day of the scan, or of the day before if the night lies between.
    timed = date_and_time(f"{corrected_to:%Y%m%d}", text(tracer, "RadiopharmaceuticalStartTime"))
    if timed is not None and timed > corrected_to:
        timed -= timedelta(days=1)
    if dated is None and timed is None:
        raise _Absent("Radiopharmaceutical Start Date Time and Start Time are absent")
    if dated is None or timed is None:
        return dated or timed or corrected_to
    apart = abs((dated - timed).total_seconds()) % 86400
    if min(apart, 86400 - apart) > _SAME_TIME_SECONDS:
        raise _Absent(f"Radiopharmaceutical Start Date Time {dated} and Start Time {timed.time()} disagree")
    return dated


def _scan_start(header: Dataset, earliest: datetime | None, half_life: float) -> datetime:
    """The start of the scan (QIBA): of the series, unless that was made after the acquisition."""
    series = date_and_time(text(header, "SeriesDate"), text(header, "SeriesTime"))
    acquired = date_and_time(text(header, "AcquisitionDate"), text(header, "AcquisitionTime"))
    if series is not None and acquired is not None and series <= acquired:
        return series
    for value in private_values(header, *_GE, 0x0D):
        found = moment(value.decode("ascii", "replace") if isinstance(value, bytes) else str(value))
        if found is not None:
            return found
    from_count_rate = _back_computed(header, acquired, half_life)
    if from_count_rate is not None:
        return from_count_rate
    if earliest is None:
        raise _Absent("Series and Acquisition Date and Time do not tell when the scan began")
    return earliest


def _back_computed(header: Dataset, acquired: datetime | None, half_life: float) -> datetime | None:
    """Acquisition of this bed position, less the time from scan start to its average count rate (QIBA)."""
    reference = numbers(header, "FrameReferenceTime", count=1)
    duration = numbers(header, "ActualFrameDuration", count=1)
    if acquired is None or not reference or not duration or reference[0] <= 0 or duration[0] <= 0:
        return None
    constant = math.log(2) / half_life
    decay = constant * duration[0] / 1000
    average = math.log(decay / -math.expm1(-decay)) / constant
    return acquired + timedelta(seconds=average - reference[0] / 1000)


def _earliest_acquisition(slices: Sequence[Slice]) -> datetime | None:
    found = []
    for item in slices:
        try:
            found.append(date_and_time(text(item.header, "AcquisitionDate"), text(item.header, "AcquisitionTime")))
        # Told by name where the time is needed.
        except MalformedAttributeError:
            found.append(None)
    return min((value for value in found if value is not None), default=None)


def _positive(header: Dataset, keyword: str, title: str) -> float:
    found = numbers(header, keyword, count=1)
    if not found or found[0] <= 0:
        raise _Absent(f"{title} is {'absent' if not found else f'{found[0]:g}'}")
    return found[0]
