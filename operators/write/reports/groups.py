"""Measurement groups: TID 1410 (on one plane), 1411 (of a volume) and 1501 (neither) of PS3.16."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.measure.measurement import FindingSite, Measurement, MeasurementGroup, SegmentReference, TimePoint
from operators.measure.region import ImageRegion, PatientRegion, check_frames
from operators.provenance import Analysis
from operators.write.reports.content import (
    CONTAINS,
    HAS_CONCEPT_MOD,
    HAS_OBS_CONTEXT,
    code,
    container,
    image,
    number,
    text,
    uid,
)
from operators.write.reports.coordinates import patient_region, region_item
from operators.write.reports.measurements import evaluation_item, measurement_item, site_item

_FINDING_CATEGORY = Code("276214006", "SCT", "Finding category")
_IMAGE_REGION = Code("111030", "DCM", "Image Region")
_VOLUME_SURFACE = Code("121231", "DCM", "Volume Surface")
_REFERENCED_SEGMENTATION_FRAME = Code("121214", "DCM", "Referenced Segmentation Frame")
_SOURCE_IMAGE = Code("121233", "DCM", "Source image for segmentation")
_SOURCE_SERIES = Code("121232", "DCM", "Source series for segmentation")
_NO_UNITS = Code("1", "UCUM", "no units")


def group_items(group: MeasurementGroup, segmentations: Mapping[str, Dataset], analysis: Analysis) -> list[Dataset]:
    """Return the group, followed by that of its key measurement if it has one.

    ``segmentations`` are the Segmentation objects by output name. Raises :class:`ValueError` for a segment or frame
    that is not there, several kinds of place in one group, or a side without a site.
    """
    if group.laterality is not None and group.finding_site is None:
        raise ValueError(f"{group.tracking_identifier}: a side without a finding site")
    template, place = _place(group, segmentations)
    items = [_group(group, template, place, group.measurements, analysis, whole=True)]
    if group.key is not None:
        place = [_region(group.key.region)]
        items.append(_group(group, "1410", place, group.key.measurements, analysis, whole=False))
    return items


def referenced_headers(group: MeasurementGroup) -> Iterator[Dataset]:
    """Yield the header of every instance that a group refers to, but for the Segmentation."""
    key = () if group.key is None else (group.key,)
    measurements = (*group.measurements, *(measured for item in key for measured in item.measurements))
    regions = (
        *group.regions,
        *(item.region for item in key),
        *(source for measured in measurements for source in measured.sources),
    )
    yield from (region.header for region in regions if isinstance(region, ImageRegion))
    if group.surface is not None:
        yield from group.surface.sources


def _group(
    group: MeasurementGroup,
    template: str,
    place: list[Dataset],
    measurements: tuple[Measurement, ...],
    analysis: Analysis,
    *,
    whole: bool,
) -> Dataset:
    """Return one group; the ``whole`` has the statements and the comment, too."""
    identifier = group.tracking_identifier
    items = [
        text(HAS_OBS_CONTEXT, codes.DCM.TrackingIdentifier, identifier),
        uid(HAS_OBS_CONTEXT, codes.DCM.TrackingUniqueIdentifier, analysis.uid(f"tracking/{identifier}")),
    ]
    if group.finding_category is not None:
        items.append(code(CONTAINS, _FINDING_CATEGORY, group.finding_category))
    items.append(code(CONTAINS, codes.DCM.Finding, group.finding))
    if group.time_point is not None:
        items += _time_point(group.time_point)
    items += place
    if group.method is not None:
        items.append(code(HAS_CONCEPT_MOD, codes.SCT.MeasurementMethod, group.method))
    if group.finding_site is not None:
        site = FindingSite(group.finding_site, group.laterality, group.topographical_modifier)
        items.append(site_item(site))
    items += [measurement_item(measurement) for measurement in measurements]
    if whole:
        items += [evaluation_item(evaluation) for evaluation in group.evaluations]
        if group.comment is not None:
            items.append(text(CONTAINS, codes.DCM.Comment, group.comment))
    return container(CONTAINS, codes.DCM.MeasurementGroup, *items, template=template)


def _place(group: MeasurementGroup, segmentations: Mapping[str, Dataset]) -> tuple[str, list[Dataset]]:
    """Return the template of the group and the rows of it that say where it lies."""
    if sum(bool(place) for place in (group.segment, group.regions, group.surface)) > 1:
        raise ValueError(
            f"{group.tracking_identifier}: one of segment, regions and surface can tell where, not several"
        )
    if group.segment is not None:
        if group.segment.output not in segmentations:
            raise ValueError(f"{group.tracking_identifier}: there is no Segmentation {group.segment.output!r}")
        segmentation = segmentations[group.segment.output]
        _check_segment(segmentation, group.segment)
        if group.segment.frames:
            return "1410", _segmentation_frames(segmentation, group.segment)
        return "1411", _segment(segmentation, group.segment.segment_number)
    if group.surface is not None:
        if not group.surface.sources:
            raise ValueError(f"{group.tracking_identifier}: a surface needs the images that it was seen on")
        sources = (
            image(CONTAINS, _SOURCE_IMAGE, header.SOPClassUID, header.SOPInstanceUID)
            for header in group.surface.sources
        )
        return "1411", [patient_region(CONTAINS, _VOLUME_SURFACE, group.surface.surface), *sources]
    if len(group.regions) > 1 and not all(isinstance(region, ImageRegion) for region in group.regions):
        raise ValueError(f"{group.tracking_identifier}: contours of a volume are on images (TID 1411 row 5)")
    regions = [_region(region) for region in group.regions]
    return ("1501" if not regions else "1410" if len(regions) == 1 else "1411"), regions


def _region(region: ImageRegion | PatientRegion) -> Dataset:
    """Return TID 1410 row 5, or one of TID 1411 row 5."""
    if region.graphic == "MULTIPOINT":
        raise ValueError("an image region cannot be a MULTIPOINT (TID 1410 row 5)")
    return region_item(CONTAINS, _IMAGE_REGION, region)


def _check_segment(segmentation: Dataset, reference: SegmentReference) -> None:
    if reference.segment_number not in {segment.SegmentNumber for segment in segmentation.SegmentSequence}:
        raise ValueError(f"{segmentation.SeriesDescription!r} has no segment {reference.segment_number}")
    check_frames(segmentation, reference.frames)
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    for frame in reference.frames:
        own = segmentation.PerFrameFunctionalGroupsSequence[frame - 1]
        identification = (own if "SegmentIdentificationSequence" in own else shared).get(
            "SegmentIdentificationSequence"
        )
        if identification and identification[0].ReferencedSegmentNumber != reference.segment_number:
            raise ValueError(
                f"frame {frame} of {segmentation.SeriesDescription!r} is not of segment {reference.segment_number}"
            )


def _segment(segmentation: Dataset, segment_number: int) -> list[Dataset]:
    """Return TID 1411 rows 7 and 12: the segment, and the series that it was drawn on."""
    return [
        image(
            CONTAINS,
            codes.DCM.ReferencedSegment,
            segmentation.SOPClassUID,
            segmentation.SOPInstanceUID,
            segment_number=segment_number,
        ),
        uid(CONTAINS, _SOURCE_SERIES, segmentation.ReferencedSeriesSequence[0].SeriesInstanceUID),
    ]


def _segmentation_frames(segmentation: Dataset, reference: SegmentReference) -> list[Dataset]:
    """Return TID 1410 rows 7 and 8: planes of a segment, and the image under the first of them.

    A reference to frames names no segment (PS3.3 table 10-3).
    """
    groups = segmentation.PerFrameFunctionalGroupsSequence[reference.frames[0] - 1]
    source = groups.DerivationImageSequence[0].SourceImageSequence[0]
    return [
        image(
            CONTAINS,
            _REFERENCED_SEGMENTATION_FRAME,
            segmentation.SOPClassUID,
            segmentation.SOPInstanceUID,
            frames=reference.frames,
        ),
        image(CONTAINS, _SOURCE_IMAGE, source.ReferencedSOPClassUID, source.ReferencedSOPInstanceUID),
    ]


def _time_point(time_point: TimePoint) -> list[Dataset]:
    """Return TID 1502."""
    texts = (
        (Code("126070", "DCM", "Subject Time Point Identifier"), time_point.subject_identifier),
        (Code("126071", "DCM", "Protocol Time Point Identifier"), time_point.protocol_identifier),
        (Code("C2348792", "UMLS", "Time Point"), time_point.label),
    )
    items = [text(HAS_OBS_CONTEXT, name, value) for name, value in texts if value]
    items += [code(HAS_OBS_CONTEXT, Code("126072", "DCM", "Time Point Type"), value) for value in time_point.types]
    if time_point.order is not None:
        items.append(number(HAS_OBS_CONTEXT, Code("126073", "DCM", "Time Point Order"), time_point.order, _NO_UNITS))
    if not items:
        raise ValueError("the time point is empty")
    return items
