from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian, SegmentationStorage, generate_uid

from operators.read.study import read_study
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


@pytest.mark.parametrize(
    ("character_set", "name"),
    [
        ("ISO_IR 100", "Müller^Åse"),
        ("ISO_IR 144", "Люкceмбypг"),
        ("ISO_IR 192", "Wang^XiaoDong=王^小东"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎"),
    ],
)
def test_text_is_read_in_its_character_set(tmp_path: Path, character_set: str | list[str], name: str) -> None:
    write_series(tmp_path, ramp("u2"), SpecificCharacterSet=character_set, PatientName=name, SeriesDescription="Kopf")
    assert str(read_study(tmp_path).header.PatientName) == name


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
