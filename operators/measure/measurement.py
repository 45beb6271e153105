"""Plain data that reports are made of."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from operators.measure.region import ImageRegion, PatientRegion


@dataclass(frozen=True)
class Modifier:
    """What makes a concept or a finding more specific: a coded name with a coded value, e.g. laterality, left."""

    name: Code
    value: Code


@dataclass(frozen=True)
class FindingSite:
    """Where in the body: an anatomical site, its side and its part, e.g. the upper."""

    site: Code
    laterality: Code | None = None
    topographical_modifier: Code | None = None


@dataclass(frozen=True)
class Uncertainty:
    """How far a value is from the true one (PS3.16 TID 310 row 5): ``name`` of CID 225, in the measurement's unit."""

    name: Code
    value: float


@dataclass(frozen=True)
class NormalRange:
    """The range of normal values in the measurement's unit (TID 312); ``authority`` says who found it, as text."""

    lower: float | None = None
    upper: float | None = None
    description: str = ""
    authority: str = ""


@dataclass(frozen=True)
class PopulationValue:
    """The measurement among those of a population (TID 311): ``name`` of CID 221, its value and its unit (UCUM)."""

    name: Code
    value: float
    unit: Code


@dataclass(frozen=True)
class Population:
    """The population a measurement is compared with (TID 311): values, who they are, who found it."""

    values: tuple[PopulationValue, ...]
    description: str = ""
    authority: str = ""


@dataclass(frozen=True)
class Properties:
    """What is to be thought of a value (TID 310).

    ``normality`` is of CID 222, ``significance`` of CID 220, ``selection_status`` (of several values of one quantity:
    why this one) of CID 224.
    """

    normality: Code | None = None
    population: Population | None = None
    normal_range: NormalRange | None = None
    significance: Code | None = None
    uncertainties: tuple[Uncertainty, ...] = ()
    selection_status: Code | None = None


@dataclass(frozen=True)
class Measurement:
    """One number: ``name`` (coded quantity), ``value`` in ``unit`` (UCUM), how it was measured if that is coded.

    A quantity that could not be measured has the value NaN and a ``qualifier`` that says why (CID 42).
    ``derivation`` says what the number is of several, e.g. mean; ``equivalent_meaning`` is the quantity's name in other
    words; ``sources`` are graphics that the number was taken from (TID 320).
    """

    name: Code
    value: float
    unit: Code
    method: Code | None = None
    derivation: Code | None = None
    modifiers: tuple[Modifier, ...] = ()
    sites: tuple[FindingSite, ...] = ()
    qualifier: Code | None = None
    properties: Properties | None = None
    equivalent_meaning: str = ""
    sources: tuple[ImageRegion | PatientRegion, ...] = ()


@dataclass(frozen=True)
class Evaluation:
    """One qualitative statement: a coded name with a coded value, or with text (PS3.16 TID 1500 family)."""

    name: Code
    value: Code | str
    modifiers: tuple[Modifier, ...] = ()


@dataclass(frozen=True)
class TimePoint:
    """When in the course of a disease or trial something was seen (TID 1502).

    ``label`` is what people call it, e.g. "week 12"; ``subject_identifier`` identifies it for this patient,
    ``protocol_identifier`` in the protocol; ``types`` (e.g. baseline) are of CID 6145; ``order`` counts up in time.
    """

    label: str = ""
    subject_identifier: str = ""
    protocol_identifier: str = ""
    types: tuple[Code, ...] = ()
    order: int | None = None


@dataclass(frozen=True)
class SegmentReference:
    """The segment of a Segmentation object that a measurement group describes.

    With ``frames`` (from 1, of the Segmentation) only these planes of it are meant (TID 1410), else all (TID 1411).
    """

    output: str
    segment_number: int
    frames: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class VolumeSurface:
    """A surface in the patient that encloses what was measured (TID 1411 row 10), seen on the images ``sources``."""

    surface: PatientRegion
    sources: tuple[Dataset, ...]


@dataclass(frozen=True, eq=False)
class KeyMeasurement:
    """What a viewer draws that cannot show the segment itself: an outline or an axis on one image, with its numbers."""

    region: ImageRegion | PatientRegion
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True)
class MeasurementGroup:
    """What is said of one finding (PS3.16 TID 1410, 1411 or 1501).

    ``output`` names of segment references are the manifest's output names; ``tracking_identifier`` is text for
    people, unique in the report; the tracking UID is derived from it, so a segment with the same identifier
    carries the same UID.

    At most one of ``segment``, ``regions`` and ``surface`` tells where: a segment or a surface makes a volumetric
    group (TID 1411); one region a planar one (TID 1410), several the contours of a volume (TID 1411); none of them
    leaves TID 1501. ``key`` is written as a planar group of its own with the same tracking identifier. ``method`` is
    that of all measurements of the group.
    """

    tracking_identifier: str
    finding: Code
    measurements: tuple[Measurement, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    finding_site: Code | None = None
    laterality: Code | None = None
    segment: SegmentReference | None = None
    comment: str | None = None
    topographical_modifier: Code | None = None
    finding_category: Code | None = None
    time_point: TimePoint | None = None
    method: Code | None = None
    regions: tuple[ImageRegion | PatientRegion, ...] = ()
    surface: VolumeSurface | None = None
    key: KeyMeasurement | None = None
