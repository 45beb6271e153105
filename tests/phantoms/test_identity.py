from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydicom import dcmread
from pydicom.uid import MRImageStorage

from phantoms.identity import (
    Equipment,
    Study,
    derived_uid,
    new_instance,
    order_of,
    patient_of,
    save,
    set_equipment,
    set_instance_uid,
    set_study,
)


def test_derived_uids_are_valid_repeatable_and_distinct() -> None:
    uids = [derived_uid("a", number) for number in range(100)]
    assert uids == [derived_uid("a", number) for number in range(100)]
    assert len(set(uids)) == 100
    assert all(uid.is_valid and len(uid) <= 64 for uid in uids)
    # PS3.5 B.2: the 2.25 root takes an unsigned number of 128 bits.
    assert all(int(uid.split(".")[2]) < 2**128 for uid in uids)


def test_patients_and_orders_follow_from_the_seed() -> None:
    assert patient_of(3) == patient_of(3)
    assert patient_of(3) != patient_of(4)
    assert order_of(3, "MR").accession_number != order_of(4, "MR").accession_number


def test_an_object_survives_writing_and_reading(tmp_path: Path) -> None:
    study = Study(derived_uid("study"), patient_of(1), order_of(1, "CT"), datetime(2026, 1, 2, 3, 4, 5), "CT abdomen")
    instance = new_instance(MRImageStorage)
    set_study(instance, study)
    set_equipment(instance, Equipment("Maker", "Model", "Serial", "1.0", "STATION"))
    set_instance_uid(instance, derived_uid("instance"))
    save(instance, tmp_path / "folder" / "instance.dcm")
    read = dcmread(tmp_path / "folder" / "instance.dcm")
    assert read == instance
    assert read.file_meta.MediaStorageSOPInstanceUID == read.SOPInstanceUID
    assert (read.StudyDate, read.StudyTime) == ("20260102", "030405")
    age = int(read.PatientAge[:3])
    assert age == (datetime(2026, 1, 2).date() - study.patient.birth_date).days // 365.25
