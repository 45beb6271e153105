"""Who was examined, on whose order and on which machine: what the headers of every simulated scanner share."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

IMPLEMENTATION_CLASS_UID = UID("2.25.318394613482937250312838461947265512073")
IMPLEMENTATION_VERSION = "GANTRY_PHANTOM"


@dataclass(frozen=True)
class Patient:
    """The Patient and Patient Study modules (PS3.3 C.7.1.1, C.7.2.2); size in m, weight in kg."""

    patient_id: str
    name: str
    birth_date: date
    sex: str
    size: float
    weight: float
    issuer: str = "GANTRY PHANTOMS"


@dataclass(frozen=True)
class Order:
    """What the information system asked for (PS3.3 C.7.2.1 and Request Attributes, table 10-9)."""

    accession_number: str
    study_id: str
    referring_physician: str
    requested_procedure_id: str
    requested_procedure_description: str
    scheduled_procedure_step_id: str


@dataclass(frozen=True)
class Equipment:
    """The General Equipment module (PS3.3 C.7.5.1)."""

    manufacturer: str
    model: str
    serial_number: str
    software_version: str
    station_name: str
    institution: str = "Phantom Hospital"


@dataclass(frozen=True)
class Study:
    """One study: its identifiers, patient, order and start. `character_set` is Specific Character Set (0008,0005)."""

    uid: UID
    patient: Patient
    order: Order
    started: datetime
    description: str
    character_set: str | list[str] = "ISO_IR 100"


def derived_uid(*parts: object) -> UID:
    """A UID that the same parts always give: 2.25. and 128 bits of their SHA-256 (PS3.5 B.2)."""
    digest = hashlib.sha256("/".join(str(part) for part in parts).encode()).digest()
    return UID(f"2.25.{int.from_bytes(digest[:16], 'big')}")


def patient_of(seed: int) -> Patient:
    """A patient between 50 and 90 years old in 2026 whose data follow from the seed."""
    random = np.random.default_rng([seed, 1000])
    sex = "F" if random.random() < 0.5 else "M"
    size = float(random.normal(1.66 if sex == "F" else 1.79, 0.06))
    return Patient(
        patient_id=f"PHANTOM{seed:06d}",
        name=f"Phantom^Seed {seed}",
        birth_date=date(1936, 1, 1) + timedelta(days=int(random.integers(0, 40 * 365))),
        sex=sex,
        size=round(size, 2),
        weight=round(float(random.normal(26, 3)) * size**2, 1),
    )


def order_of(seed: int, description: str) -> Order:
    """An order whose identifiers follow from the seed."""
    return Order(
        accession_number=f"ACC{seed:06d}",
        study_id=f"S{seed:06d}",
        referring_physician="Referring^Rita",
        requested_procedure_id=f"RP{seed:06d}",
        requested_procedure_description=description,
        scheduled_procedure_step_id=f"SPS{seed:06d}",
    )


def new_instance(sop_class_uid: UID) -> Dataset:
    """An empty object in Explicit VR Little Endian with its File Meta Information, to be given a UID afterwards."""
    instance = Dataset()
    instance.file_meta = FileMetaDataset()
    instance.file_meta.MediaStorageSOPClassUID = sop_class_uid
    instance.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    instance.file_meta.ImplementationClassUID = IMPLEMENTATION_CLASS_UID
    instance.file_meta.ImplementationVersionName = IMPLEMENTATION_VERSION
    instance.SOPClassUID = sop_class_uid
    return instance


def set_instance_uid(instance: Dataset, uid: UID) -> None:
    """Set the SOP Instance UID in the object and in its File Meta Information."""
    instance.SOPInstanceUID = uid
    instance.file_meta.MediaStorageSOPInstanceUID = uid


def set_uid_of_content(instance: Dataset) -> None:
    """Derive the SOP Instance UID anew, from the UID that is there and from everything else in the object.

    Two objects that differ in anything are two instances: a receiver keeps the first of one UID and no second.
    """
    digest = hashlib.sha256(instance.to_json().encode()).hexdigest()
    set_instance_uid(instance, derived_uid(instance.SOPInstanceUID, digest))


def set_study(instance: Dataset, study: Study) -> None:
    """Write the Patient, General Study and Patient Study modules and the order into an object."""
    patient, order = study.patient, study.order
    instance.SpecificCharacterSet = study.character_set
    instance.PatientName = patient.name
    instance.PatientID = patient.patient_id
    instance.IssuerOfPatientID = patient.issuer
    instance.PatientBirthDate = f"{patient.birth_date:%Y%m%d}"
    instance.PatientSex = patient.sex
    instance.PatientAge = f"{(study.started.date() - patient.birth_date).days // 365.25:03.0f}Y"
    instance.PatientSize = patient.size
    instance.PatientWeight = patient.weight

    instance.StudyInstanceUID = study.uid
    instance.StudyDate, instance.StudyTime = date_and_time(study.started)
    instance.StudyDescription = study.description
    instance.StudyID = order.study_id
    instance.AccessionNumber = order.accession_number
    instance.ReferringPhysicianName = order.referring_physician
    request = Dataset()
    request.RequestedProcedureID = order.requested_procedure_id
    request.RequestedProcedureDescription = order.requested_procedure_description
    request.ScheduledProcedureStepID = order.scheduled_procedure_step_id
    request.ScheduledProcedureStepDescription = order.requested_procedure_description
    instance.RequestAttributesSequence = [request]


def set_equipment(instance: Dataset, equipment: Equipment) -> None:
    """Write the General Equipment module into an object."""
    instance.Manufacturer = equipment.manufacturer
    instance.ManufacturerModelName = equipment.model
    instance.DeviceSerialNumber = equipment.serial_number
    instance.SoftwareVersions = equipment.software_version
    instance.StationName = equipment.station_name
    instance.InstitutionName = equipment.institution


def date_and_time(moment: datetime) -> tuple[str, str]:
    """DICOM DA and TM values of a moment."""
    return f"{moment:%Y%m%d}", f"{moment:%H%M%S}"


def save(instance: Dataset, path: Path) -> None:
    """Write an object as a DICOM file (PS3.10), with preamble and complete File Meta Information."""
    path.parent.mkdir(parents=True, exist_ok=True)
    instance.save_as(path, enforce_file_format=True)
