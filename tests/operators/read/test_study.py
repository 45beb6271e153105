from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
    SegmentationStorage,
    generate_uid,
)

from operators.read.attributes import text
from operators.read.study import read_study
from operators.read.volume import read_volume
from operators.refused import Reason, Refused
from tests.operators.read.slices import (
    AXIAL,
    SERIES_UID,
    STUDY_UID,
    instance_of,
    ramp,
    save,
    slice_header,
    write_series,
)


def test_headers_only_in_the_order_of_series_and_instance_numbers(tmp_path: Path) -> None:
    write_series(tmp_path / "deep" / "er", ramp("u2"), SeriesNumber=10, SeriesInstanceUID="1.2.10")
    write_series(tmp_path / "b", ramp("u2"), SeriesNumber=9, SeriesInstanceUID="1.2.9")
    write_series(tmp_path / "c", ramp("u2"), SeriesNumber=None, SeriesInstanceUID="1.2.8", SeriesDescription=None)
    reverse = write_series(tmp_path / "d", ramp("u2"), SeriesNumber=11, SeriesInstanceUID="1.2.11")
    for number, path in enumerate(reverse):
        instance = dcmread(path)
        instance.InstanceNumber = 20 - number
        instance.save_as(path)

    study = read_study(tmp_path)

    assert study.study_instance_uid == STUDY_UID
    assert [series.series_instance_uid for series in study.series] == ["1.2.9", "1.2.10", "1.2.11", "1.2.8"]
    assert [series.description for series in study.series] == ["9 test", "10 test", "11 test", "(no description)"]
    assert [instance.path for instance in study.series[2].instances] == reverse[::-1]
    assert len(study.instances) == 16
    assert not any("PixelData" in instance.header for instance in study.instances)
    assert study.unreadable == ()


def test_the_pixel_data_offset_is_where_the_element_begins(tmp_path: Path) -> None:
    array = ramp("u2")
    for path, instance in zip(write_series(tmp_path, array), read_study(tmp_path).instances, strict=True):
        assert instance.pixel_data_offset is not None
        content = path.read_bytes()[instance.pixel_data_offset :]
        assert content[:4] == b"\xe0\x7f\x10\x00"
        assert content[12:] == array[instance.header.InstanceNumber - 1].tobytes()


def test_no_offset_without_pixel_data_or_in_a_deflated_file(tmp_path: Path) -> None:
    header = slice_header(AXIAL, 0, 6, 5)
    save(instance_of(header, ramp("u2")[0], PixelData=None), tmp_path / "without.dcm")
    header.SOPInstanceUID = generate_uid()
    save(instance_of(header, ramp("u2")[0]), tmp_path / "deflated.dcm", DeflatedExplicitVRLittleEndian)
    assert [instance.pixel_data_offset for instance in read_study(tmp_path).instances] == [None, None]


def test_files_can_be_named_one_by_one(tmp_path: Path) -> None:
    paths = write_series(tmp_path, ramp("u2"))
    assert [instance.path for instance in read_study(paths[1:3]).instances] == paths[1:3]
    assert [instance.path for instance in read_study(path for path in paths[:1]).instances] == paths[:1]
    assert [instance.path for instance in read_study(paths[0]).instances] == paths[:1]


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_what_cannot_be_read_is_recorded_and_stops_nothing(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "images", ramp("u2"))
    (tmp_path / "notes.txt").write_text("not DICOM")
    (tmp_path / "empty.dcm").touch()
    (tmp_path / "dangling.dcm").symlink_to(tmp_path / "gone.dcm")
    (tmp_path / "cut.dcm").write_bytes(paths[0].read_bytes()[:400])
    (tmp_path / "cut_meta.dcm").write_bytes(paths[0].read_bytes()[:150])
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "DICOMDIR").write_text("passed over by its name")

    study = read_study(tmp_path)

    assert len(study.instances) == 4
    problems = {file.path.name: file.problem for file in study.unreadable}
    assert problems.keys() == {"notes.txt", "empty.dcm", "dangling.dcm", "cut.dcm", "cut_meta.dcm", "pipe"}
    assert "not a DICOM file" in problems["notes.txt"]
    assert problems["empty.dcm"] == "the file is empty"
    assert problems["dangling.dcm"] == "No such file or directory"
    assert "header is incomplete" in problems["cut.dcm"]
    assert problems["pipe"] == "not a regular file"


def test_nothing_readable_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        read_study(tmp_path)
    assert refused.value.reason is Reason.NO_READABLE_INSTANCE
    (tmp_path / "notes.txt").write_text("not DICOM")
    with pytest.raises(Refused, match=r"notes\.txt: not a DICOM file") as refused:
        read_study(tmp_path)
    assert refused.value.reason is Reason.NO_READABLE_INSTANCE
    with pytest.raises(Refused, match="No such file"):
        read_study(tmp_path / "absent")


def test_several_studies_and_several_patients_are_refused(tmp_path: Path) -> None:
    write_series(tmp_path / "a", ramp("u2"))
    write_series(tmp_path / "b", ramp("u2"), StudyInstanceUID="1.2.99", SeriesInstanceUID="1.2.98")
    with pytest.raises(Refused, match=r"1\.2\.99") as refused:
        read_study(tmp_path)
    assert refused.value.reason is Reason.SEVERAL_STUDIES
    shutil.rmtree(tmp_path / "b")
    write_series(tmp_path / "b", ramp("u2"), PatientID="P2", SeriesInstanceUID="1.2.98")
    with pytest.raises(Refused) as refused:
        read_study(tmp_path)
    assert refused.value.reason is Reason.SEVERAL_PATIENTS
    assert "P1" not in str(refused.value)
    (tmp_path / "b" / "003.dcm").unlink()
    with pytest.raises(Refused, match=r": 3 of 7 instances .* the file 000\.dcm$"):
        read_study(tmp_path)


def test_names_spelt_differently_are_one_patient_but_not_without_an_identifier(tmp_path: Path) -> None:
    write_series(tmp_path / "a", ramp("u2"))
    write_series(tmp_path / "b", ramp("u2"), PatientName="DOE^JANE", SeriesInstanceUID="1.2.98")
    assert len(read_study(tmp_path).series) == 2
    for path in tmp_path.rglob("*.dcm"):
        instance = dcmread(path)
        instance.PatientID = ""
        instance.save_as(path)
    with pytest.raises(Refused) as refused:
        read_study(tmp_path)
    assert refused.value.reason is Reason.SEVERAL_PATIENTS


def test_the_same_instance_twice_is_kept_once_and_a_forged_copy_is_refused(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "a", ramp("u2"))
    copy = tmp_path / "b" / "copy.dcm"
    copy.parent.mkdir()
    shutil.copyfile(paths[0], copy)
    assert [instance.path for instance in read_study(tmp_path).instances] == paths
    instance = dcmread(copy)
    instance.PixelData = bytes(len(instance.PixelData))
    instance.save_as(copy)
    with pytest.raises(Refused, match="differ") as refused:
        read_study(tmp_path)
    assert refused.value.reason is Reason.CONFLICTING_INSTANCES


def test_no_file_stays_open(tmp_path: Path) -> None:
    write_series(tmp_path, ramp("u2", (20, 6, 5)))
    before = len(list(Path("/proc/self/fd").iterdir()))
    study = read_study(tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    shutil.rmtree(tmp_path)
    assert study.header.Modality == "MR"


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize(
    ("character_set", "name"),
    [
        ("ISO_IR 100", "Müller^Åse"),
        ("ISO_IR 101", "Dvořák^Jiří"),
        ("ISO_IR 109", "Ċensu^Ġorġ"),
        ("ISO_IR 110", "Bērziņš^Jānis"),
        ("ISO_IR 144", "Люкceмбypг"),
        ("ISO_IR 127", "قباني^لنزار"),
        ("ISO_IR 126", "Διονυσιος"),
        ("ISO_IR 138", "שרון^דבורה"),
        ("ISO_IR 148", "Çavuşoğlu^Işıl"),
        ("ISO_IR 166", "นามสกุล^ชื่อ"),
        ("ISO_IR 13", "ﾔﾏﾀﾞ^ﾀﾛｳ"),
        ("ISO_IR 192", "Wang^XiaoDong=王^小东"),
        ("GB18030", "Wang^XiaoDong=王^小东"),
        ("GBK", "Wang^XiaoDong=王^小东"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        (["ISO 2022 IR 13", "ISO 2022 IR 87"], "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"),
        (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동"),
        (["", "ISO 2022 IR 58"], "Zhang^XiaoDong=张^小东"),
        (["ISO 2022 IR 100", "ISO 2022 IR 144"], "Müller^Åse=Люкceмбypг"),
    ],
)
def test_text_is_read_in_its_character_set(
    tmp_path: Path, character_set: str | list[str], name: str, syntax: str
) -> None:
    # pydicom cannot write katakana of one byte but in names.
    label = "Kopf" if character_set == "ISO_IR 13" else name.split("=")[-1]
    pixels = ramp(">u2" if syntax == ExplicitVRBigEndian else "u2")
    write_series(
        tmp_path,
        pixels,
        transfer_syntax=syntax,
        SpecificCharacterSet=character_set,
        PatientName=name,
        PatientID=label,
        SeriesDescription=label,
        RequestAttributesSequence=[item(RequestedProcedureDescription=label)],
    )
    study = read_study(tmp_path)
    for instance in study.instances:
        header = instance.header
        assert str(header.PatientName) == name
        assert header.SeriesDescription == header.PatientID == text(header, "PatientID") == label
        assert header.RequestAttributesSequence[0].RequestedProcedureDescription == label
    assert study.series[0].description == f"4 {label}"


def item(**attributes: str) -> Dataset:
    found = Dataset()
    for keyword, value in attributes.items():
        setattr(found, keyword, value)
    return found


def test_what_is_absent_empty_or_of_another_kind_stops_nothing(tmp_path: Path) -> None:
    optional = dict.fromkeys(("PatientName", "PatientBirthDate", "StudyID", "AccessionNumber", "SeriesNumber"), "")
    write_series(tmp_path / "empty", ramp("u2"), SeriesInstanceUID="1.2.1", **optional)  # type: ignore[arg-type]
    write_series(tmp_path / "absent", ramp("u2"), SeriesInstanceUID="1.2.2", **dict.fromkeys(optional))  # type: ignore[arg-type]
    for path in write_series(tmp_path / "wrong", ramp("u2"), SeriesInstanceUID="1.2.3", SeriesNumber=1):
        content = path.read_bytes()
        # Series Number as LO of letters, Modality as UN, a private element without creator.
        content = content.replace(b"\x20\x00\x11\x00IS\x02\x001 ", b"\x20\x00\x11\x00LO\x02\x00x ")
        content = content.replace(b"\x08\x00\x60\x00CS\x02\x00MR", b"\x08\x00\x60\x00UN\0\0\x02\0\0\0MR")
        at = content.index(b"\x20\x00\x0d\x00")
        path.write_bytes(content[:at] + b"\x19\x00\x01\x10LO\x04\x00abcd" + content[at:])
    study = read_study(tmp_path)
    assert study.unreadable == ()
    assert [series.description for series in study.series] == ["test"] * 3
    assert [text(series.header, "Modality") for series in study.series] == ["MR"] * 3
    assert study.series[2].header[0x0019, 0x1001].value == "abcd"


def test_a_dicomdir_is_passed_over_under_any_name_and_an_image_named_so_is_read(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "images", ramp("u2"))
    directory = instance_of(slice_header(AXIAL, 0, 6, 5), ramp("u2")[0], PixelData=None)
    directory.SOPClassUID = MediaStorageDirectoryStorage
    save(directory, tmp_path / "index.dcm")
    save(directory, tmp_path / "big" / "index.dcm", ExplicitVRBigEndian)
    (tmp_path / "DICOMDIR").write_bytes(b"broken")
    paths[0].rename(tmp_path / "images" / "dicomdir")
    study = read_study(tmp_path)
    assert len(study.instances) == 4
    assert study.unreadable == ()
    with pytest.raises(Refused) as refused:
        read_study(tmp_path / "index.dcm")
    assert refused.value.reason is Reason.NO_READABLE_INSTANCE


def test_links_to_folders_are_recorded_and_lead_nowhere(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "study", ramp("u2"))
    (tmp_path / "study" / "loop").symlink_to(tmp_path / "study", target_is_directory=True)
    (tmp_path / "study" / "outside").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "study" / "itself").symlink_to(tmp_path / "study" / "itself")
    paths[0].rename(tmp_path / "elsewhere")
    paths[0].symlink_to(tmp_path / "elsewhere")
    study = read_study(tmp_path / "study")
    assert len(study.instances) == 4
    assert {file.path.name: file.problem for file in study.unreadable} == {
        "loop": "a link to a folder is not followed",
        "outside": "a link to a folder is not followed",
        "itself": "Too many levels of symbolic links",
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="everything may be read by root")
def test_what_may_not_be_read_is_recorded(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "images", ramp("u2"))
    (tmp_path / "closed").mkdir(mode=0)
    paths[0].chmod(0)
    study = read_study(tmp_path)
    assert len(study.instances) == 3
    assert {file.problem for file in study.unreadable} == {"Permission denied"}
    assert {file.path.name for file in study.unreadable} == {"closed", paths[0].name}


def test_a_folder_that_cannot_be_listed_is_recorded(tmp_path: Path) -> None:
    write_series(tmp_path / "images", ramp("u2"))
    deep = tmp_path
    descriptor = os.open(tmp_path, os.O_RDONLY)
    # A folder whose whole path is longer than the system takes.
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=descriptor)
        inner = os.open("d" * 250, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor, deep = inner, deep / ("d" * 250)
    os.close(descriptor)
    try:
        study = read_study(tmp_path)
    finally:
        subprocess.run(["rm", "-rf", str(tmp_path / ("d" * 250))], check=True)
    assert len(study.instances) == 4
    assert [file.problem for file in study.unreadable] == ["File name too long"]


def test_a_series_without_preambles_is_read_like_any_other(tmp_path: Path) -> None:
    array = ramp("u2")
    for path in write_series(tmp_path, array):
        path.write_bytes(path.read_bytes()[path.read_bytes().index(b"\x08\x00\x08\x00") :])
    (tmp_path / "random.bin").write_bytes(b"\x08\x00" + bytes(range(256)) * 40)
    study = read_study(tmp_path)
    assert np.array_equal(read_volume(study.series[0]).array, array)
    assert [file.path.name for file in study.unreadable] == ["random.bin"]


def test_objects_that_are_no_images_are_series_like_any_other(tmp_path: Path) -> None:
    write_series(tmp_path / "a", ramp("u2"))
    header = slice_header(AXIAL, 0, 6, 5)
    header.SOPClassUID = SegmentationStorage
    header.SeriesInstanceUID = "1.2.98"
    save(instance_of(header, np.zeros((6, 5), "u1")), tmp_path / "b" / "seg.dcm")
    assert {series.instances[0].sop_class_uid.name for series in read_study(tmp_path).series} == {
        "MR Image Storage",
        "Segmentation Storage",
    }
    assert {series.series_instance_uid for series in read_study(tmp_path).series} == {SERIES_UID, "1.2.98"}


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_a_malformed_number_loses_no_instance(tmp_path: Path) -> None:
    paths = write_series(tmp_path, ramp("u2"), SeriesNumber=7)
    content = paths[0].read_bytes()
    at = content.index(b"\x20\x00\x13\x00IS\x02\x00") + 8
    paths[0].write_bytes(content[:at] + b"x " + content[at + 2 :])
    study = read_study(tmp_path)
    assert [instance.path for instance in study.instances] == [*paths[1:], paths[0]]
    assert study.instances[-1].name == f"instance {study.instances[-1].sop_instance_uid}"
