"""Coordinates in images, in the patient and in waveforms as content items (PS3.3 C.18.6, C.18.7 and C.18.9)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.sr.coding import Code

from operators.measure.region import ImageRegion, PatientRegion
from operators.measure.temporal import TemporalCoordinates, WaveformChannels
from operators.write.base.references import referenced_instance
from operators.write.reports.content import INFERRED_FROM, SELECTED_FROM, decimal_string, image, new_item

# PS3.3 C.17.3 lets a reference be without a name; some readers have no place for that, so it says what it is.
SOURCE_OF_MEASUREMENT = Code("121112", "DCM", "Source of Measurement")
SOURCE_IMAGE = Code("121324", "DCM", "Source image")


def image_region(relationship: str, name: Code, region: ImageRegion, *children: Dataset) -> Dataset:
    """Return an SCOORD item with the image that it is on (SELECTED FROM, by value)."""
    header = region.header
    frames = () if region.frame is None else (region.frame,)
    on = image(SELECTED_FROM, SOURCE_IMAGE, header.SOPClassUID, header.SOPInstanceUID, frames=frames)
    return _graphic(relationship, "SCOORD", name, region.graphic, region.points, (on, *children))


def image_graphic(relationship: str, name: Code, region: ImageRegion, library_item: Sequence[int]) -> Dataset:
    """Return an SCOORD item whose image is an item of the image library (R-SELECTED FROM, by reference).

    ``library_item`` is the place of that item in the tree, from the root (PS3.3 C.18.1: 1, then each item's number).
    """
    on = by_reference(SELECTED_FROM, library_item)
    return _graphic(relationship, "SCOORD", name, region.graphic, region.points, (on,))


def patient_region(relationship: str, name: Code, region: PatientRegion, *children: Dataset) -> Dataset:
    """Return an SCOORD3D item."""
    item = _graphic(relationship, "SCOORD3D", name, region.graphic, region.points, children)
    item.ReferencedFrameOfReferenceUID = region.frame_of_reference_uid
    return item


def region_item(relationship: str, name: Code, region: ImageRegion | PatientRegion) -> Dataset:
    """Return an SCOORD or an SCOORD3D item."""
    if isinstance(region, ImageRegion):
        return image_region(relationship, name, region)
    return patient_region(relationship, name, region)


def measured_on(region: ImageRegion | PatientRegion) -> Dataset:
    """Return TID 320 rows 3 to 6: what a number was taken from."""
    return region_item(INFERRED_FROM, SOURCE_OF_MEASUREMENT, region)


def by_reference(relationship: str, identifier: Sequence[int]) -> Dataset:
    """Return a relationship to an item elsewhere in the tree (PS3.3 C.17.3.2.5)."""
    item = Dataset()
    item.RelationshipType = relationship
    item.ReferencedContentItemIdentifier = list(identifier)
    return item


def waveform(relationship: str, name: Code, channels: WaveformChannels, *children: Dataset) -> Dataset:
    """Return a WAVEFORM item."""
    reference = referenced_instance(channels.header.SOPClassUID, channels.header.SOPInstanceUID)
    if channels.channels:
        reference.ReferencedWaveformChannels = [number for pair in channels.channels for number in pair]
    item = new_item(relationship, "WAVEFORM", name, children)
    item.ReferencedSOPSequence = DicomSequence([reference])
    return item


def temporal_coordinates(relationship: str, name: Code, coordinates: TemporalCoordinates) -> Dataset:
    """Return a TCOORD item with the waveform that it is in (SELECTED FROM, by value)."""
    item = new_item(relationship, "TCOORD", name, (waveform(SELECTED_FROM, SOURCE_OF_MEASUREMENT, coordinates.of),))
    item.TemporalRangeType = coordinates.range_type
    if coordinates.sample_positions:
        item.ReferencedSamplePositions = list(coordinates.sample_positions)
    else:
        item.ReferencedTimeOffsets = [decimal_string(offset) for offset in coordinates.time_offsets]
    return item


def _graphic(
    relationship: str,
    value_type: str,
    name: Code,
    graphic: str,
    points: Iterable[Iterable[float]],
    children: tuple[Dataset, ...],
) -> Dataset:
    item = new_item(relationship, value_type, name, children)
    item.GraphicData = [float(value) for point in points for value in point]
    item.GraphicType = graphic
    return item
