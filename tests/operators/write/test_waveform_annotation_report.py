"""Waveform Annotation SR: TID 3750 as pydicom reads it, and as DCMTK and dciodvfy do under a class that they know."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.sr.coding import Code
from pydicom.uid import WaveformAnnotationSRStorage

from operators.measure.measurement import Measurement
from operators.measure.temporal import WaveformChannels
from operators.measure.waveform_annotation import (
    EEG_ANNOTATION,
    AnnotationGroup,
    MeasuredAnnotation,
    NoteAnnotation,
    PatternAnnotation,
)
from operators.provenance import Analysis, uid_from_text
from operators.write.base.result import save
from operators.write.waveform_annotation_report import (
    NEUROPHYSIOLOGY_TITLE,
    WAVEFORM_TITLE,
    write_waveform_annotation_report,
)
from phantoms.waveforms import RECORDERS
from tests.operators.read.recordings import make_study
from tests.operators.write.examples.reports import (
    ANNOTATIONS,
    QRS_PER_LEAD,
    lead_ii,
    recording,
    waveform_annotation_report,
)
from tests.operators.write.reports.readers import as_comprehensive, dsrdump, items, meaning, named, said
from tests.operators.write.validators import dciodvfy_problems

Write = Callable[..., FileDataset]


@pytest.fixture(scope="module")
def report(analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return dcmread(save(waveform_annotation_report(analysis).object, tmp_path_factory.mktemp("annotations")))


@pytest.fixture(scope="module")
def write(analysis: Analysis) -> Write:
    def write(*groups: AnnotationGroup, recordings: Any = None, **options: Any) -> FileDataset:
        sources = [recording()] if recordings is None else recordings
        return write_waveform_annotation_report("annotations", ANNOTATIONS, sources, groups, analysis, **options)

    return write


# What PS3.3 table A.35.23-2 lets be related, without relationships by reference.
ALLOWED = {
    ("CONTAINS", "CONTAINER"): "TEXT CODE NUM TCOORD WAVEFORM CONTAINER",
    ("HAS OBS CONTEXT", "CONTAINER"): "CODE PNAME TEXT UIDREF DATE NUM CONTAINER",
    ("HAS ACQ CONTEXT", "CONTAINER"): "CODE DATE TIME DATETIME NUM UIDREF",
    ("HAS CONCEPT MOD", "CONTAINER"): "TEXT CODE",
    ("HAS CONCEPT MOD", "CODE"): "TEXT CODE",
    ("HAS CONCEPT MOD", "NUM"): "TEXT CODE",
    ("INFERRED FROM", "CODE"): "WAVEFORM TCOORD",
    ("INFERRED FROM", "NUM"): "WAVEFORM TCOORD",
    ("INFERRED FROM", "TEXT"): "WAVEFORM TCOORD",
    ("SELECTED FROM", "TCOORD"): "WAVEFORM",
}


def test_relationships_are_those_of_its_iod(report: Dataset) -> None:
    assert report.SOPClassUID == WaveformAnnotationSRStorage
    assert report.ContentTemplateSequence[0].TemplateIdentifier == "3750"
    for parent in (report, *items(report)):
        for child in parent.get("ContentSequence", ()):
            assert child.ValueType in ALLOWED[child.RelationshipType, parent.ValueType].split()


def test_other_readers_take_the_tree(analysis: Analysis, tmp_path: Path) -> None:
    path = as_comprehensive(waveform_annotation_report(analysis).object, tmp_path / "annotations")
    assert dciodvfy_problems(path) == []
    dump = dsrdump(path, "-q")
    assert '<contains CODE:(,,"ECG Annotation")=(49436004,SCT,"Atrial fibrillation")>' in dump
    assert '<inferred from TCOORD:(,,"Source of Measurement")=(POINT,' in dump
    assert '<selected from WAVEFORM:(,,"Source of Measurement")=(TwelveLeadECGWaveformStorage,,1/0,...)>' in dump


def test_annotations_come_back_with_their_times(report: Dataset) -> None:
    beat, whole = named(report, "Waveform Annotation Group")
    assert said(beat, "Waveform Annotation Group Label") == ["beat 1"]
    assert said(report, "Waveform Annotation Group Number") == [1, 2]
    (pattern,) = named(beat, "ECG Annotation")
    (coordinates,) = (item for item in pattern.ContentSequence if item.ValueType == "TCOORD")
    assert list(coordinates.ReferencedSamplePositions) == [1, 500]
    assert list(coordinates.ContentSequence[0].ReferencedSOPSequence[0].ReferencedWaveformChannels) == [1, 2]
    assert said(pattern, "Waveform Annotation Modifier") == ["Severe"]
    assert said(beat, "QRS duration per lead") == [96]
    note, quality = named(report, "Annotation Note")
    assert note.TextValue == "muscle artefact"
    np.testing.assert_array_equal(np.array(note.ContentSequence[0].ReferencedTimeOffsets, float), 0.25)
    assert [item.ValueType for item in quality.ContentSequence] == ["WAVEFORM"]
    assert "ReferencedWaveformChannels" not in quality.ContentSequence[0].ReferencedSOPSequence[0]
    assert len(named(whole, "Annotation Note")) == 1


def test_the_library_tells_how_the_recording_was_sampled(report: Dataset) -> None:
    (library,) = named(report, "Waveform Library")
    header = recording()
    (entry,) = (item for item in items(library) if item.ValueType == "WAVEFORM")
    assert entry.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == header.SOPInstanceUID
    assert said(library, "Sampling Frequency") == [float(group.SamplingFrequency) for group in header.WaveformSequence]
    assert said(library, "Number of Channels") == [12, 12]
    assert said(library, "Multiplex Group Number") == [1, 2]
    assert said(library, "Acquisition DateTime") == [header.AcquisitionDateTime]


def test_the_title_follows_from_the_modality(write: Write) -> None:
    electroencephalogram = RECORDERS["Routine Scalp Electroencephalogram Waveform Storage"].instance(make_study())
    spike = PatternAnnotation(
        EEG_ANNOTATION, Code("1", "99X", "Spike"), WaveformChannels(electroencephalogram, ((1, 1),))
    )
    made = write(AnnotationGroup((spike,)), recordings=[electroencephalogram])
    assert meaning(made) == NEUROPHYSIOLOGY_TITLE.meaning
    assert meaning(write()) == WAVEFORM_TITLE.meaning
    assert meaning(write(title=Code("1", "99X", "Own title"))) == "Own title"


def test_nothing_found_is_a_report_too(write: Write, tmp_path: Path) -> None:
    made = write(notice="Nothing was found.")
    assert said(made, "Notice") == ["Nothing was found."]
    assert not named(made, "Waveform Annotation Group")
    dsrdump(as_comprehensive(made, tmp_path / "nothing"))


def test_what_cannot_be_right_is_an_error(write: Write) -> None:
    other = deepcopy(recording())
    other.SOPInstanceUID = uid_from_text("another recording")
    with pytest.raises(ValueError, match="not among the recordings"):
        write(AnnotationGroup((NoteAnnotation("x", WaveformChannels(other)),)))
    with pytest.raises(ValueError, match="group is empty"):
        write(AnnotationGroup(()))
    with pytest.raises(ValueError, match="at least one waveform"):
        write(recordings=[])
    with pytest.raises(ValueError, match="Annotation Note is empty"):
        write(AnnotationGroup((NoteAnnotation("", WaveformChannels(recording())),)))
    wrong = Measurement(QRS_PER_LEAD, 96, Code("msec", "UCUM", "ms"))
    with pytest.raises(ValueError, match="UCUM"):
        write(AnnotationGroup((MeasuredAnnotation(wrong, lead_ii(1, 2)),)))
    header = deepcopy(recording())
    del header.WaveformSequence
    with pytest.raises(ValueError, match="no waveform"):
        write(recordings=[header])
