"""Whose result it is: patient, study and order attributes, copied unchanged from the source."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

PATIENT_AND_STUDY = (
    # Patient, PS3.3 C.7.1.1
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "TypeOfPatientID",
    "IssuerOfPatientIDQualifiersSequence",
    "PatientBirthDate",
    "PatientBirthTime",
    "PatientBirthDateInAlternativeCalendar",
    "PatientDeathDateInAlternativeCalendar",
    "PatientAlternativeCalendar",
    "PatientSex",
    "QualityControlSubject",
    "ReferencedPatientSequence",
    "OtherPatientIDs",
    "OtherPatientIDsSequence",
    "OtherPatientNames",
    "EthnicGroup",
    "EthnicGroupCodeSequence",
    "PatientComments",
    "PatientSpeciesDescription",
    "PatientSpeciesCodeSequence",
    "PatientBreedDescription",
    "PatientBreedCodeSequence",
    "BreedRegistrationSequence",
    "ResponsiblePerson",
    "ResponsiblePersonRole",
    "ResponsibleOrganization",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    # Clinical Trial Subject and Study, C.7.1.3 and C.7.2.3
    "ClinicalTrialSponsorName",
    "ClinicalTrialProtocolID",
    "ClinicalTrialProtocolName",
    "ClinicalTrialSiteID",
    "ClinicalTrialSiteName",
    "ClinicalTrialSubjectID",
    "ClinicalTrialSubjectReadingID",
    "ClinicalTrialProtocolEthicsCommitteeName",
    "ClinicalTrialProtocolEthicsCommitteeApprovalNumber",
    "ClinicalTrialTimePointID",
    "ClinicalTrialTimePointDescription",
    "ConsentForClinicalTrialUseSequence",
    # General Study, C.7.2.1
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "ReferringPhysicianIdentificationSequence",
    "ConsultingPhysicianName",
    "ConsultingPhysicianIdentificationSequence",
    "StudyID",
    "AccessionNumber",
    "IssuerOfAccessionNumberSequence",
    "StudyDescription",
    "PhysiciansOfRecord",
    "PhysiciansOfRecordIdentificationSequence",
    "NameOfPhysiciansReadingStudy",
    "PhysiciansReadingStudyIdentificationSequence",
    "RequestingServiceCodeSequence",
    "ReferencedStudySequence",
    "ProcedureCodeSequence",
    "ReasonForPerformedProcedureCodeSequence",
    # Patient Study, C.7.2.2
    "AdmittingDiagnosesDescription",
    "AdmittingDiagnosesCodeSequence",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "PatientBodyMassIndex",
    "MedicalAlerts",
    "Allergies",
    "Occupation",
    "SmokingStatus",
    "AdditionalPatientHistory",
    "PregnancyStatus",
    "LastMenstrualDate",
    "PatientSexNeutered",
    "PatientState",
    "ReasonForVisit",
    "AdmissionID",
    "IssuerOfAdmissionIDSequence",
    "ServiceEpisodeID",
    "IssuerOfServiceEpisodeIDSequence",
    "ServiceEpisodeDescription",
)
"""Attributes of the patient and the study, by keyword."""

TYPE_2 = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
)
"""Those that every object has to have, empty where they are not known."""


def copy_attributes(source: Dataset, target: Dataset, keywords: Iterable[str]) -> None:
    """Copy the attributes that ``source`` has, as they are: value, VR and the original text of numbers and names.

    Private attributes in the items of sequences stay behind.
    """
    for keyword in keywords:
        if keyword in source:
            # Access by tag decodes the text with the source's character set before it leaves the source.
            element = deepcopy(source[keyword])
            if element.VR == "SQ":
                for item in element.value:
                    item.remove_private_tags()
            target[element.tag] = element


def copy_identity(source: Dataset, target: Dataset) -> None:
    """Give ``target`` the patient, study, order number and character set of ``source``; absent type 2 are empty.

    Values that break the rules of their VR (e.g. a date "***" left by an anonymiser) stay, too: the archive holds the
    study under them, and another value would be another patient's or another study's.
    """
    copy_attributes(source, target, ("SpecificCharacterSet", *PATIENT_AND_STUDY))
    for keyword in TYPE_2:
        if keyword not in target:
            setattr(target, keyword, None)


def referenced_request_sequence(source: Dataset) -> Sequence:
    """Return the Referenced Request Sequence (PS3.3 C.17.2) of a report on ``source``; empty if no order is known.

    The order is known from the Request Attributes Sequence or, failing that, from the Accession Number.
    """
    requests = list(source.get("RequestAttributesSequence") or ())
    if not requests and source.get("AccessionNumber"):
        requests = [Dataset()]
    items = []
    for request in requests:
        item = Dataset()
        item.ReferencedStudySequence = Sequence()
        for keyword in (
            "AccessionNumber",
            "PlacerOrderNumberImagingServiceRequest",
            "FillerOrderNumberImagingServiceRequest",
            "RequestedProcedureID",
            "RequestedProcedureDescription",
        ):
            setattr(item, keyword, None)
        item.RequestedProcedureCodeSequence = Sequence()
        item.StudyInstanceUID = source.StudyInstanceUID
        orders = (*_ORDER, "AccessionNumber", "IssuerOfAccessionNumberSequence")
        copy_attributes(source, item, orders)
        copy_attributes(request, item, ("StudyInstanceUID", "RequestedProcedureID", *orders))
        items.append(item)
    return Sequence(items)


_ORDER = (
    "PlacerOrderNumberImagingServiceRequest",
    "OrderPlacerIdentifierSequence",
    "FillerOrderNumberImagingServiceRequest",
    "OrderFillerIdentifierSequence",
    "RequestedProcedureDescription",
    "RequestedProcedureCodeSequence",
    "ReasonForTheRequestedProcedure",
    "ReasonForRequestedProcedureCodeSequence",
)
