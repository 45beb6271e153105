"""What made a result: equipment, contributing equipment and algorithm identification, equal everywhere (IHE AIR)."""

from __future__ import annotations

from datetime import datetime

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes

from operators.provenance import Algorithm, Analysis
from operators.write.base.codes import code_sequence
from operators.write.base.identity import copy_attributes


def algorithm_name(algorithm: Algorithm) -> str:
    """Return the one name that stands wherever a result names its algorithm.

    IHE AIR (volume 3, 6.5.3.1) wants it equal in Manufacturer's Model Name (0008,1090), in Algorithm Name (111001,
    DCM) and in Segment Algorithm Name (0062,0009). It is the app's name, which the device UID is made from, too.
    """
    return algorithm.name


def write_equipment(result: Dataset, algorithm: Algorithm) -> None:
    """Write General and Enhanced General Equipment (PS3.3 C.7.5.1 and C.7.5.2), all type 1 attributes filled.

    The serial number is the digest of the model's files: what makes this copy of the algorithm the one it is.
    """
    result.Manufacturer = algorithm.manufacturer
    result.ManufacturerModelName = algorithm_name(algorithm)
    result.DeviceSerialNumber = algorithm.model_digest
    result.SoftwareVersions = algorithm.version


def contributing_equipment(algorithm: Algorithm, source: Dataset, started: datetime) -> Sequence:
    """Return the Contributing Equipment Sequence (PS3.3 C.12.1): the algorithm, then the scanner.

    ``started`` is when the algorithm's contribution began. The notice on its model stands beside its title: here every
    kind of object has a place for it. The scanner is left out if the source does not name its
    manufacturer, which the sequence requires.
    """
    processing = Dataset()
    processing.PurposeOfReferenceCodeSequence = code_sequence(codes.DCM.ProcessingEquipment)
    processing.Manufacturer = algorithm.manufacturer
    processing.ManufacturerModelName = algorithm_name(algorithm)
    processing.SoftwareVersions = algorithm.version
    processing.DeviceUID = algorithm.device_uid
    processing.ContributionDateTime = started.strftime("%Y%m%d%H%M%S.%f%z")
    processing.ContributionDescription = ": ".join(filter(None, (algorithm.title, algorithm.notice)))
    if not source.get("Manufacturer"):
        return Sequence([processing])
    acquisition = Dataset()
    acquisition.PurposeOfReferenceCodeSequence = code_sequence(codes.DCM.AcquisitionEquipment)
    copy_attributes(source, acquisition, _ACQUISITION_EQUIPMENT)
    return Sequence([processing, acquisition])


_ACQUISITION_EQUIPMENT = (
    "Manufacturer",
    "InstitutionName",
    "InstitutionAddress",
    "StationName",
    "InstitutionalDepartmentName",
    "ManufacturerModelName",
    "DeviceSerialNumber",
    "SoftwareVersions",
    "DeviceUID",
)


def algorithm_identification(analysis: Analysis) -> Dataset:
    """Return one item of an algorithm identification sequence (PS3.3 table 10-19): family, name, version, parameters.

    Used as Segmentation Algorithm Identification (0062,0007).
    """
    item = Dataset()
    item.AlgorithmFamilyCodeSequence = code_sequence(analysis.algorithm.family)
    item.AlgorithmName = algorithm_name(analysis.algorithm)
    item.AlgorithmVersion = analysis.algorithm.version
    item.AlgorithmSource = analysis.algorithm.manufacturer
    item.AlgorithmParameters = "; ".join(parameter_texts(analysis))
    return item


def parameter_texts(analysis: Analysis) -> list[str]:
    """Return the analysis's parameters as ``name: value``, in their order, then the model's digest."""
    parameters = {**analysis.parameters, "model SHA-256": analysis.algorithm.model_digest}
    return [f"{name}: {value}" for name, value in parameters.items()]
