"""Annotations of waveforms → Waveform Annotation SR (PS3.3 A.35.23, PS3.16 TID 3750)."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.dataset import Dataset, FileDataset
from pydicom.sr.coding import Code
from pydicom.uid import WaveformAnnotationSRStorage

from operators.manifest import OutputPart
from operators.measure.temporal import WaveformChannels
from operators.measure.waveform_annotation import (
    Annotation,
    AnnotationGroup,
    MeasuredAnnotation,
    PatternAnnotation,
)
from operators.provenance import Analysis
from operators.refused import CODING_SCHEME
from operators.write.reports.content import (
    CONTAINS,
    HAS_OBS_CONTEXT,
    INFERRED_FROM,
    code,
    container,
    number,
    text,
)
from operators.write.reports.context import (
    ENGLISH,
    PersonObserver,
    algorithm_content,
    language_content,
    observer_content,
)
from operators.write.reports.coordinates import SOURCE_OF_MEASUREMENT, temporal_coordinates, waveform
from operators.write.reports.measurements import measurement_item, modifier_items
from operators.write.reports.structured_report import notice_content, write_document
from operators.write.reports.waveform_library import waveform_library

NEUROPHYSIOLOGY_TITLE = Code("130869", "DCM", "Neurophysiology Automated Analysis Annotations")
"""Document title of CID 3048 for EEG, EMG and EOG."""

WAVEFORM_TITLE = Code("waveform-annotations", CODING_SCHEME, "Automated Waveform Analysis Annotations")
"""Document title for other waveforms: CID 3048, which can be extended, has those of neurophysiology only."""

_NEUROPHYSIOLOGY = frozenset({"EEG", "EMG", "EOG"})
_ANNOTATIONS = Code("130870", "DCM", "Waveform Annotations")
_GROUP = Code("130872", "DCM", "Waveform Annotation Group")
_GROUP_NUMBER = Code("130873", "DCM", "Waveform Annotation Group Number")
_GROUP_LABEL = Code("130874", "DCM", "Waveform Annotation Group Label")
_NOTE = Code("130876", "DCM", "Annotation Note")
_NO_UNITS = Code("1", "UCUM", "no units")


def write_waveform_annotation_report(
    output_name: str,
    output: OutputPart,
    recordings: Sequence[Dataset],
    groups: Sequence[AnnotationGroup],
    analysis: Analysis,
    *,
    title: Code | None = None,
    notice: str = "",
    limits: Sequence[str] = (),
    predecessors: Sequence[Dataset] = (),
    language: Code = ENGLISH,
    person: PersonObserver | None = None,
) -> FileDataset:
    """Return a document of annotations on ``recordings``, the headers of waveform instances of one study.

    Every annotation names the channels and times that it is about. No group means that nothing was found. ``title`` is
    of CID 3048 or like it; by default it follows from the modality.

    Raises :class:`ValueError` for a header that is no waveform, an annotation of a recording that is not among them, a
    group without annotations, or whatever does not fit its item.
    """
    if not recordings:
        raise ValueError("annotations are of at least one waveform")
    known = {header.get("SOPInstanceUID") for header in recordings}
    for group in groups:
        if not group.annotations:
            raise ValueError("an annotation group is empty")
        for annotation in group.annotations:
            if _channels(annotation).header.SOPInstanceUID not in known:
                raise ValueError("an annotation is of a waveform that is not among the recordings")
    if title is None:
        title = NEUROPHYSIOLOGY_TITLE if recordings[0].get("Modality") in _NEUROPHYSIOLOGY else WAVEFORM_TITLE
    root = container(
        None,
        title,
        language_content(language),
        *observer_content(analysis.algorithm, person),
        container(
            CONTAINS,
            _ANNOTATIONS,
            *algorithm_content(analysis),
            *(_group(place, group) for place, group in enumerate(groups, start=1)),
            *notice_content(notice, limits),
        ),
        waveform_library(recordings),
        template="3750",
    )
    return write_document(
        WaveformAnnotationSRStorage,
        output_name,
        output,
        recordings[0],
        recordings,
        root,
        analysis,
        predecessors=predecessors,
    )


def _channels(annotation: Annotation) -> WaveformChannels:
    return annotation.at if isinstance(annotation.at, WaveformChannels) else annotation.at.of


def _group(place: int, group: AnnotationGroup) -> Dataset:
    return container(
        CONTAINS,
        _GROUP,
        number(HAS_OBS_CONTEXT, _GROUP_NUMBER, place, _NO_UNITS),
        *([text(HAS_OBS_CONTEXT, _GROUP_LABEL, group.label)] if group.label else []),
        *(_annotation(annotation) for annotation in group.annotations),
    )


def _annotation(annotation: Annotation) -> Dataset:
    """Return TID 3751, 3752 or 3753, inferred from the channels or from times of them."""
    at = annotation.at
    if isinstance(at, WaveformChannels):
        source = waveform(INFERRED_FROM, SOURCE_OF_MEASUREMENT, at)
    else:
        source = temporal_coordinates(INFERRED_FROM, SOURCE_OF_MEASUREMENT, at)
    if isinstance(annotation, PatternAnnotation):
        modifiers = modifier_items(annotation.modifiers)
        return code(CONTAINS, annotation.classification, annotation.value, *modifiers, source)
    if isinstance(annotation, MeasuredAnnotation):
        return measurement_item(annotation.measurement, source)
    return text(CONTAINS, _NOTE, annotation.text, source)
