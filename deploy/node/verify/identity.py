"""Whose result it is: patient, study and order as in the source, letter for letter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filereader import read_partial

from deploy.node.verify.elements import tag_of
from operators.read.attributes import MalformedAttributeError, text

IDENTITY = (
    "PatientID",
    "IssuerOfPatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
)
"""Attributes that say whose result it is and to which order it belongs."""

_WANTED = ["SpecificCharacterSet", *IDENTITY]
_LAST = max(tag_of(keyword) for keyword in IDENTITY)


def source_identities(sources: Iterable[Path]) -> list[dict[str, str]]:
    """Return each different identity of the sources; spellings often differ within a study."""
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for path in sources:
        identity = _identity(dcmread(path, stop_before_pixels=True, specific_tags=list(_WANTED)))
        found.setdefault(tuple(identity.values()), identity)
    return list(found.values())


def result_identity(path: Path) -> dict[str, str]:
    """Return the identity in a result, whose elements are in order."""
    with path.open("rb") as file:
        return _identity(
            read_partial(file, stop_when=lambda tag, *_: int(tag) > _LAST, specific_tags=[tag_of(k) for k in _WANTED])
        )


def _identity(header: Dataset) -> dict[str, str]:
    found = {}
    for keyword in IDENTITY:
        try:
            found[keyword] = text(header, keyword) or ""
        except MalformedAttributeError as error:
            found[keyword] = str(error)
    return found


def identity_problems(own: dict[str, str], identities: list[dict[str, str]]) -> Iterator[str]:
    """Yield where a result's identity differs from that of the source that is most like it."""
    if own in identities:
        return
    if not identities:
        yield "there is no source to compare the patient with"
        return

    def differences(source: dict[str, str]) -> list[str]:
        return [keyword for keyword in IDENTITY if source[keyword] != own[keyword]]

    closest = min(identities, key=lambda source: len(differences(source)))
    for keyword in differences(closest):
        yield f"{keyword} is {own[keyword]!r}, in the source {closest[keyword]!r}"
