from __future__ import annotations

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import DataElement, Dataset, config
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    MRImageStorage,
)

from deploy.node.header import UnreadableHeaderError, read_header, read_quickly, read_thoroughly
from tests.deploy.node.sending import STUDY, encoded, instance


@pytest.mark.parametrize(
    "syntax",
    [
        ImplicitVRLittleEndian,
        ExplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
        JPEG2000Lossless,
    ],
)
def test_identifiers_are_read_in_every_encoding(syntax: UID) -> None:
    header = read_header(encoded(instance(7), syntax), syntax)
    assert (header.study_instance_uid, header.series_instance_uid) == (STUDY, f"{STUDY}.1")
    assert (header.sop_instance_uid, header.sop_class_uid) == (f"{STUDY}.1.7", MRImageStorage)
    assert (header.patient_name, header.patient_id) == ("Müller^Jürgen", "P1")
    assert (header.accession_number, header.study_date) == ("A1", "20260105")
    assert header.study_description == "MR Schädel"


def test_a_private_transfer_syntax_is_read_as_what_it_looks_like() -> None:
    for syntax in (ImplicitVRLittleEndian, ExplicitVRLittleEndian):
        assert read_header(encoded(instance(), syntax), "1.2.840.113619.5.2").study_instance_uid == STUDY


def test_nothing_after_the_identifiers_is_needed() -> None:
    whole = encoded(instance())
    end = whole.index(STUDY.encode() + b".1", whole.index(b"\x20\x00\x0e\x00")) + len(STUDY) + 10
    assert read_header(whole[:end], ExplicitVRLittleEndian).series_instance_uid == f"{STUDY}.1"
    assert read_header(whole[:end] + b"\xff" * 50, ExplicitVRLittleEndian).study_instance_uid == STUDY


def test_elements_out_of_order_are_found() -> None:
    whole = encoded(instance())
    series = whole.index(b"\x20\x00\x0d\x00")
    rows = whole.index(b"\x28\x00\x02\x00")
    pixels = whole.index(b"\xe0\x7f\x10\x00")
    shuffled = whole[:series] + whole[rows:pixels] + whole[series:rows] + whole[pixels:]
    assert read_header(shuffled, ExplicitVRLittleEndian).series_instance_uid == f"{STUDY}.1"


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI", "ignore:The value length")
@pytest.mark.parametrize("uid", ["../../etc", "..", ".", "1..2", "1.2/3", "1.2\\1.3", "1." + "2" * 63, "A.1", "1.2."])
@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
def test_what_is_no_uid_is_refused(keyword: str, uid: str) -> None:
    image = instance()
    image[keyword] = DataElement(keyword, "UI", uid, validation_mode=config.IGNORE)
    data_set = encoded(image)
    with pytest.raises(UnreadableHeaderError, match=keyword):
        read_header(data_set, ExplicitVRLittleEndian)


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"])
def test_an_absent_identifier_is_named(keyword: str) -> None:
    image = instance()
    del image[keyword]
    with pytest.raises(UnreadableHeaderError, match=keyword):
        read_header(encoded(image), ExplicitVRLittleEndian)


@pytest.mark.parametrize("data_set", [b"", b"\0" * 20, b"not a data set at all" * 50, bytes(range(256)) * 20])
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_what_is_no_data_set_is_refused(data_set: bytes, syntax: UID) -> None:
    with pytest.raises(UnreadableHeaderError):
        read_header(data_set, syntax)


def test_a_truncated_data_set_without_identifiers_is_refused() -> None:
    with pytest.raises(UnreadableHeaderError):
        read_header(encoded(instance())[:100], ExplicitVRLittleEndian)


@pytest.mark.parametrize("group", [0, 2, 4, 6])
@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_a_data_set_must_not_continue_the_file_meta_information(group: int, syntax: UID) -> None:
    """Readers go by the group alone: such a data set could say another transfer syntax or instance than the file."""
    image = Dataset()
    image.add(DataElement(group << 16 | 0x0003, "UI", "1.2"))
    image.update(instance())
    with pytest.raises(UnreadableHeaderError, match=f"group {group:04X}"):
        read_header(encoded(image, syntax), syntax)


ODD: tuple[dict[str, object], ...] = (
    {},
    {"PatientName": "Muller^Jurgen=山田^太郎", "SpecificCharacterSet": "ISO_IR 192"},
    {"PatientName": " Doe^John^^ ", "PatientID": " 7 ", "AccessionNumber": "A 1 "},
    {"PatientName": "", "StudyDescription": "a\\b", "StudyDate": ""},
    {"ReferencedStudySequence": [Dataset(), Dataset()]},
    {"SpecificCharacterSet": ["", "ISO 2022 IR 87"], "PatientName": "Yamada^Tarou=山田^太郎"},
)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
@pytest.mark.parametrize("more", ODD)
def test_the_quick_walk_reads_what_the_thorough_reading_does(syntax: UID, more: dict[str, object]) -> None:
    image = instance(**more)  # type: ignore[arg-type]
    if "ReferencedStudySequence" in more:
        image["ReferencedStudySequence"].is_undefined_length = True
        for item in image.ReferencedStudySequence:
            item.StudyInstanceUID = "1.2.3"
            item.is_undefined_length_sequence_item = True
    data_set = encoded(image, syntax)
    quick = read_quickly(data_set, syntax)
    assert quick is not None
    assert quick == read_thoroughly(data_set, syntax)


@given(position=st.integers(0, 2000), value=st.binary(min_size=1, max_size=6), cut=st.integers(0, 3000))
def test_damage_never_makes_the_quick_walk_read_something_else(position: int, value: bytes, cut: int) -> None:
    whole = encoded(instance())
    damaged = (whole[:position] + value + whole[position + len(value) :])[: len(whole) - cut]
    quick = read_quickly(damaged, ExplicitVRLittleEndian)
    if quick is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert quick == read_thoroughly(damaged, ExplicitVRLittleEndian)
