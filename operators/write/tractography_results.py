"""Tracks of nerve fibres → Tractography Results (PS3.3 A.78)."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.charset import convert_encodings
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.sr.coding import Code
from pydicom.uid import TractographyResultsStorage

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.read.study import Series
from operators.write.base.body_part import write_body_part
from operators.write.base.codes import code_sequence
from operators.write.base.content_identification import write_content_identification
from operators.write.base.element_bytes import attach_sequences
from operators.write.base.equipment import algorithm_identification
from operators.write.base.identity import copy_attributes
from operators.write.base.references import referenced_instance, write_instance_references
from operators.write.base.result import finish, new_result
from operators.write.tracks.colours import cielab
from operators.write.tracks.encoded_tracks import encoded_track_set, float32_bytes
from operators.write.tracks.track_set import TrackSet, TrackSetStatistic, TrackStatistic, check_track_sets
from operators.write.transforms.space import SeriesSpace, frame_of_reference


def write_tractography_results(
    output_name: str,
    output: OutputPart,
    source: Series,
    track_sets: Sequence[TrackSet],
    analysis: Analysis,
) -> FileDataset:
    """Return Tractography Results of ``track_sets``, in the patient coordinates (LPS mm) of ``source``.

    Points, measurements and the statistics of tracks are stored as float32, statistics of sets as float64. Sets are
    numbered from 1 in order. Where a quantity was not measured at every point of a track, the points are listed.

    Raises :class:`ValueError` for sets that :func:`check_track_sets` rejects, so also where no track was found at all
    (the standard has no empty object: say so in the report), and if ``source`` is in no single Frame of Reference.
    """
    check_track_sets(track_sets)
    frame = frame_of_reference(SeriesSpace(source))
    headers = [instance.header for instance in source.instances]
    result = new_result(TractographyResultsStorage, "MR", output_name, output, headers[0], analysis)
    write_body_part(headers[0], result)
    result.FrameOfReferenceUID = frame
    result.PositionReferenceIndicator = None
    copy_attributes(headers[0], result, ("PositionReferenceIndicator",))
    write_content_identification(result, output_name, output, analysis)
    write_instance_references(result, headers)
    result.ReferencedInstanceSequence = DicomSequence(
        [referenced_instance(header.SOPClassUID, header.SOPInstanceUID) for header in headers]
    )
    described = [_description(number, item, analysis) for number, item in enumerate(track_sets, start=1)]
    result.TrackSetSequence = DicomSequence(described)
    finish(result)
    encodings = convert_encodings(result.get("SpecificCharacterSet"))
    items = (encoded_track_set(*pair, encodings) for pair in zip(described, track_sets, strict=True))
    attach_sequences(result, {"TrackSetSequence": b"".join(items)})
    return result


def _description(number: int, track_set: TrackSet, analysis: Analysis) -> Dataset:
    """Return an item of the Track Set Sequence (0066,0101) without tracks and measurements."""
    item = Dataset()
    item.TrackSetNumber = number
    item.TrackSetLabel = track_set.label
    if track_set.description:
        item.TrackSetDescription = track_set.description
    item.TrackSetAnatomicalTypeCodeSequence = code_sequence(track_set.anatomy)
    if track_set.laterality is not None:
        item.TrackSetAnatomicalTypeCodeSequence[0].ModifierCodeSequence = code_sequence(track_set.laterality)
    if track_set.colour is not None:
        item.RecommendedDisplayCIELabValue = list(cielab(track_set.colour))
    algorithms = []
    for family in track_set.tracking:
        algorithm = algorithm_identification(analysis)
        algorithm.AlgorithmFamilyCodeSequence = code_sequence(family)
        algorithms.append(algorithm)
    item.TrackingAlgorithmIdentificationSequence = DicomSequence(algorithms)
    if track_set.acquisition is not None:
        item.DiffusionAcquisitionCodeSequence = code_sequence(track_set.acquisition)
    item.DiffusionModelCodeSequence = code_sequence(track_set.model)
    if track_set.track_statistics:
        item.TrackStatisticsSequence = DicomSequence(
            [_track_statistic(statistic) for statistic in track_set.track_statistics]
        )
    if track_set.set_statistics:
        item.TrackSetStatisticsSequence = DicomSequence(
            [_set_statistic(statistic) for statistic in track_set.set_statistics]
        )
    return item


def _track_statistic(statistic: TrackStatistic) -> Dataset:
    item = _named(statistic.name, statistic.unit, statistic.statistic)
    item.FloatingPointValues = float32_bytes(statistic.values)
    return item


def _set_statistic(statistic: TrackSetStatistic) -> Dataset:
    item = _named(statistic.name, statistic.unit, statistic.statistic)
    item.FloatingPointValue = float(statistic.value)
    return item


def _named(name: Code, unit: Code, statistic: Code) -> Dataset:
    item = Dataset()
    item.ConceptNameCodeSequence = code_sequence(name)
    item.ModifierCodeSequence = code_sequence(statistic)
    item.MeasurementUnitsCodeSequence = code_sequence(unit)
    return item
