"""Who says it, by which algorithm, in which language: TID 1204, 1001 to 1004 and 4019 of PS3.16."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.provenance import Algorithm, Analysis
from operators.write.base.equipment import algorithm_name, parameter_texts
from operators.write.reports.content import HAS_CONCEPT_MOD, HAS_OBS_CONTEXT, code, person_name, text, uid

ENGLISH = Code("en", "RFC5646", "English")
"""The language that reports are in unless they say otherwise (CID 5000)."""


@dataclass(frozen=True)
class PersonObserver:
    """A person who has seen and edited what is reported (TID 1003).

    ``name`` is DICOM's Family^Given^Middle^Prefix^Suffix; ``role_in_organization`` is of CID 7452,
    ``role_in_procedure`` of CID 7453.
    """

    name: str
    login_name: str = ""
    organization: str = ""
    role_in_organization: Code | None = None
    role_in_procedure: Code | None = None


def language_content(language: Code) -> Dataset:
    """Return TID 1204: the language of all texts, coded by its tag (RFC 5646), e.g. (ja, RFC5646, "Japanese")."""
    if language.scheme_designator not in ("RFC5646", "RFC3066", "ISO639_1", "ISO639_2"):
        raise ValueError(f"({language.value}, {language.scheme_designator}) is no language of CID 5000")
    return code(HAS_CONCEPT_MOD, codes.DCM.LanguageOfContentItemAndDescendants, language)


def observer_content(algorithm: Algorithm, person: PersonObserver | None = None) -> list[Dataset]:
    """Return TID 1001: the device, and the person if there is one."""
    return [*device_observer(algorithm), *([] if person is None else person_observer(person))]


def device_observer(algorithm: Algorithm) -> list[Dataset]:
    """Return the observer context of a device: TID 1002 row 1 and TID 1004 rows 1 to 5."""
    return [
        code(HAS_OBS_CONTEXT, codes.DCM.ObserverType, codes.DCM.Device),
        uid(HAS_OBS_CONTEXT, codes.DCM.DeviceObserverUID, algorithm.device_uid),
        text(HAS_OBS_CONTEXT, codes.DCM.DeviceObserverName, algorithm.title),
        text(HAS_OBS_CONTEXT, codes.DCM.DeviceObserverManufacturer, algorithm.manufacturer),
        text(HAS_OBS_CONTEXT, codes.DCM.DeviceObserverModelName, algorithm_name(algorithm)),
        text(HAS_OBS_CONTEXT, codes.DCM.DeviceObserverSerialNumber, algorithm.model_digest),
    ]


def person_observer(person: PersonObserver) -> list[Dataset]:
    """Return the observer context of a person: TID 1002 row 1 and TID 1003."""
    items = [
        code(HAS_OBS_CONTEXT, codes.DCM.ObserverType, codes.DCM.Person),
        person_name(HAS_OBS_CONTEXT, codes.DCM.PersonObserverName, person.name),
    ]
    if person.login_name:
        items.append(text(HAS_OBS_CONTEXT, _LOGIN_NAME, person.login_name))
    if person.organization:
        items.append(text(HAS_OBS_CONTEXT, _ORGANIZATION, person.organization))
    if person.role_in_organization is not None:
        items.append(code(HAS_OBS_CONTEXT, _ROLE_IN_ORGANIZATION, person.role_in_organization))
    if person.role_in_procedure is not None:
        items.append(code(HAS_OBS_CONTEXT, _ROLE_IN_PROCEDURE, person.role_in_procedure))
    return items


_LOGIN_NAME = Code("128774", "DCM", "Person Observer's Login Name")
_ORGANIZATION = Code("121009", "DCM", "Person Observer's Organization Name")
_ROLE_IN_ORGANIZATION = Code("121010", "DCM", "Person Observer's Role in the Organization")
_ROLE_IN_PROCEDURE = Code("121011", "DCM", "Person Observer's Role in this Procedure")


def algorithm_content(analysis: Analysis, relationship: str = HAS_CONCEPT_MOD) -> list[Dataset]:
    """Return TID 4019 "Algorithm Identification": name, version, one item for each parameter, family."""
    algorithm = analysis.algorithm
    return [
        text(relationship, codes.DCM.AlgorithmName, algorithm_name(algorithm)),
        text(relationship, codes.DCM.AlgorithmVersion, algorithm.version),
        *(text(relationship, codes.DCM.AlgorithmParameters, value) for value in parameter_texts(analysis)),
        code(relationship, codes.DCM.AlgorithmFamily, algorithm.family),
    ]
