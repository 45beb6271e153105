"""Plain data that reports are made of."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.sr.coding import Code


@dataclass(frozen=True)
class Measurement:
    """One number: ``name`` (coded quantity), ``value`` in ``unit`` (UCUM), how it was derived if that is coded."""

    name: Code
    value: float
    unit: Code
    method: Code | None = None


@dataclass(frozen=True)
class Evaluation:
    """One qualitative statement: a coded name with a coded value (PS3.16 TID 1500 family)."""

    name: Code
    value: Code


@dataclass(frozen=True)
class SegmentReference:
    """The segment of a Segmentation object that a measurement group describes."""

    output: str
    segment_number: int


@dataclass(frozen=True)
class MeasurementGroup:
    """What is said of one finding (PS3.16 TID 1411 where a segment is referenced, else TID 1501).

    ``output`` names of segment references are the manifest's output names; ``tracking_identifier`` is text for
    people, unique in the report; the tracking UID is derived from it, so a segment with the same identifier
    carries the same UID.
    """

    tracking_identifier: str
    finding: Code
    measurements: tuple[Measurement, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    finding_site: Code | None = None
    laterality: Code | None = None
    segment: SegmentReference | None = None
    comment: str | None = None
