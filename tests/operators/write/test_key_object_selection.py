from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import highdicom
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import BasicTextSRStorage, GeneralECGWaveformStorage, UltrasoundMultiFrameImageStorage

from operators.manifest import OutputPart
from operators.provenance import Analysis, uid_from_text
from operators.write.base.result import save
from operators.write.key_object_selection import KeyObject, write_key_object_selection
from tests.operators.write.studies import LESIONS, make_volume, patient
from tests.peers import dcmtk

KEY_OBJECTS = OutputPart(object="key_object_selection", title="Key images", series_number=9010)
OF_INTEREST = codes.DCM.OfInterest


def other(name: str, sop_class_uid: str, **attributes: object) -> Dataset:
    header = patient()
    header.SOPClassUID = sop_class_uid
    header.SOPInstanceUID = uid_from_text(f"test/{name}")
    header.SeriesInstanceUID = uid_from_text(f"test/{name}/series")
    for keyword, value in attributes.items():
        setattr(header, keyword, value)
    return header


def clip() -> Dataset:
    return other("clip", UltrasoundMultiFrameImageStorage, Rows=8, Columns=8, NumberOfFrames=5)


def test_what_was_chosen_is_what_readers_find(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]
) -> None:
    images = [KeyObject(instance.header) for instance in make_volume().instances[2:4]]
    report = other("report", BasicTextSRStorage)
    chosen = [*images, KeyObject(clip(), frames=(2, 5)), KeyObject(report)]
    result = write_key_object_selection(
        "key_objects", KEY_OBJECTS, OF_INTEREST, chosen, analysis, description="Größte Läsion: Schicht 3"
    )
    path = save(result, tmp_path)
    validate(path)

    read = highdicom.ko.KeyObjectSelectionDocument.from_dataset(dcmread(path))
    assert read.content[0].name == OF_INTEREST
    references = read.content.get_references()
    assert [item.referenced_sop_instance_uid for item in references] == [item.header.SOPInstanceUID for item in chosen]
    assert [str(item.value_type.value) for item in references] == ["IMAGE"] * 3 + ["COMPOSITE"]
    assert references[2].referenced_frame_numbers == [2, 5]
    study, series, instance = read.resolve_reference(clip().SOPInstanceUID)
    assert (study, series, instance) == (clip().StudyInstanceUID, clip().SeriesInstanceUID, clip().SOPInstanceUID)

    said = subprocess.run([dcmtk("dsrdump"), "+U8", str(path)], capture_output=True, text=True, check=True).stdout
    assert "Key Object Selection Document" in said
    assert "Größte Läsion: Schicht 3" in said
    assert said.count("contains IMAGE") == 3
    assert "contains COMPOSITE" in said


def test_a_waveform_can_be_chosen(tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]) -> None:
    """The reader of these documents in highdicom knows no waveforms."""
    rhythm = other("rhythm", GeneralECGWaveformStorage, WaveformSequence=[Dataset()])
    path = save(
        write_key_object_selection("key_objects", KEY_OBJECTS, OF_INTEREST, [KeyObject(rhythm)], analysis), tmp_path
    )
    validate(path)
    said = subprocess.run([dcmtk("dsrdump"), "+U8", "+Pu", str(path)], capture_output=True, text=True, check=True)
    assert "contains WAVEFORM" in said.stdout
    assert rhythm.SOPInstanceUID in said.stdout


@pytest.mark.parametrize(
    ("title", "modifiers"),
    [
        (codes.DCM.RejectedForQualityReasons, (codes.DCM.MotionBlur, codes.DCM.Positioning)),
        (codes.DCM.QualityIssue, ()),
        (codes.DCM.QualityIssue, (codes.DCM.MotionBlur,)),
        (codes.DCM.BestInSet, (codes.DCM.Series,)),
        (codes.DCM.RejectedForPatientSafetyReasons, ()),
        (codes.DCM.ForTeaching, ()),
    ],
)
def test_reasons_stand_beside_their_titles(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None], title: Code, modifiers: tuple[Code, ...]
) -> None:
    chosen = [KeyObject(make_volume().instances[0].header)]
    result = write_key_object_selection("key_objects", KEY_OBJECTS, title, chosen, analysis, modifiers=modifiers)
    path = save(result, tmp_path)
    validate(path)
    read = highdicom.ko.KeyObjectSelectionDocument.from_dataset(dcmread(path))
    assert read.content[0].name == title
    told = [item.value for item in read.content[0].ContentSequence if item.name == Code("113011", "DCM", "x")]
    assert told == list(modifiers)


def test_an_image_is_shown_with_its_presentation_state(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]
) -> None:
    header = make_volume().instances[0].header
    state = other("state", "1.2.840.10008.5.1.4.1.1.11.1")
    series, image = Dataset(), Dataset()
    image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = header.SOPClassUID, header.SOPInstanceUID
    series.SeriesInstanceUID, series.ReferencedImageSequence = header.SeriesInstanceUID, [image]
    state.ReferencedSeriesSequence = [series]
    chosen = [KeyObject(header, presentation_state=state)]
    path = save(write_key_object_selection("key_objects", KEY_OBJECTS, OF_INTEREST, chosen, analysis), tmp_path)
    validate(path)
    said = subprocess.run(
        [dcmtk("dsrdump"), "+U8", "+Pu", str(path)], capture_output=True, text=True, check=True
    ).stdout
    assert f'(GSPS,"{state.SOPInstanceUID}")' in said.replace(" ", "")
    evidence = dcmread(path).CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    assert [item.SeriesInstanceUID for item in evidence] == [header.SeriesInstanceUID, state.SeriesInstanceUID]
    stranger = KeyObject(make_volume().instances[1].header, presentation_state=state)
    with pytest.raises(ValueError, match="does not show"):
        write_key_object_selection("key_objects", KEY_OBJECTS, OF_INTEREST, [stranger], analysis)


def test_what_is_wrong_is_said_before_anything_is_written(analysis: Analysis) -> None:
    header = make_volume().instances[0].header
    elsewhere = make_volume(identity=patient(StudyInstanceUID=uid_from_text("elsewhere"))).instances[0].header

    def write(*chosen: KeyObject, title: Code = OF_INTEREST, modifiers: tuple[Code, ...] = ()) -> None:
        write_key_object_selection("key_objects", KEY_OBJECTS, title, chosen, analysis, modifiers=modifiers)

    with pytest.raises(ValueError, match="at least one"):
        write()
    with pytest.raises(ValueError, match="twice"):
        write(KeyObject(header), KeyObject(header))
    with pytest.raises(ValueError, match="several studies"):
        write(KeyObject(header), KeyObject(elsewhere))
    with pytest.raises(ValueError, match="has 5 frames"):
        write(KeyObject(clip(), frames=(6,)))
    with pytest.raises(ValueError, match="no title of CID 7010"):
        write(KeyObject(header), title=codes.SCT.Liver)
    with pytest.raises(ValueError, match="which has none"):
        write(KeyObject(header), modifiers=(codes.DCM.MotionBlur,))
    with pytest.raises(ValueError, match="CID 7011"):
        write(KeyObject(header), title=codes.DCM.QualityIssue, modifiers=(codes.DCM.Series,))
    with pytest.raises(ValueError, match="needs one modifier"):
        write(KeyObject(header), title=codes.DCM.BestInSet)


def test_the_same_choice_gives_the_same_bytes(tmp_path: Path, analysis: Analysis) -> None:
    chosen = [KeyObject(make_volume().instances[0].header)]
    first = save(write_key_object_selection("a", LESIONS, OF_INTEREST, chosen, analysis), tmp_path).read_bytes()
    again = save(write_key_object_selection("a", LESIONS, OF_INTEREST, chosen, analysis), tmp_path).read_bytes()
    assert first == again
