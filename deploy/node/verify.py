"""Verify: re-read every result before it may leave, as if someone else had written it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.pixels.utils import get_expected_length, iter_pixels
from pydicom.uid import UID, SegmentationStorage

from operators.outcome import FILE_NAME, Outcome
from operators.provenance import Analysis
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
"""Attributes that say whose result it is and to which order it belongs: as in the source, letter for letter."""

_MANDATORY = (
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "Modality",
    "SeriesNumber",
    "InstanceNumber",
    "Manufacturer",
)

# They are copied from the source with the patient and the study and lead to objects that are not images.
_IDENTITY_SEQUENCES = frozenset(
    {
        "ReferencedStudySequence",
        "ReferencedPatientSequence",
        "ReferencedPerformedProcedureStepSequence",
        "ReferencedRequestSequence",
        "RequestAttributesSequence",
    }
)

_LONGEST_LIST = 5

_UNDEFINED_LENGTH = 0xFFFFFFFF


class VerificationError(Exception):
    """The results must not leave the node: ``problems`` are sentences, each beginning with the file's name."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(self.problems)


@dataclass(frozen=True)
class ResultObject:
    """One result that was verified; ``name`` is the file's in the output folder."""

    name: str
    sop_class_uid: str
    sop_instance_uid: str


def verify_results(
    folder: Path, outcome: Outcome, analysis: Analysis, *, sources: Iterable[Path], known: Mapping[str, str]
) -> tuple[ResultObject, ...]:
    """Check the objects in ``folder`` against the outcome, the analysis that they are to be of and their sources.

    ``sources`` are the files that the app was given. ``known`` maps each SOP Instance UID that a result may refer
    to, besides other results of this run, to its SOP class UID: the received instances of the study and its earlier
    results.

    Raises :class:`VerificationError` with every problem found.
    """
    problems = list(_outcome_problems(folder, outcome, analysis))
    results: dict[str, FileDataset] = {}
    for name in outcome.files:
        if Path(name).name != name:
            problems.append(f"{name}: is not a file's name in the output folder")
            continue
        try:
            results[name] = read_completely(folder / name)
        # A damaged object can make the parser raise nearly anything; whatever it is, the object must not leave.
        except Exception as error:
            problems.append(f"{name}: cannot be read: {type(error).__name__}: {error}")
    identities = list(_identities(sources))
    targets = {**known, **{str(item.get("SOPInstanceUID")): str(item.get("SOPClassUID")) for item in results.values()}}
    for name, result in results.items():
        output = Path(name).stem
        checks = (
            _file_problems(result),
            _identifier_problems(result, output, analysis),
            _identity_problems(result, identities),
            _equipment_problems(result, analysis),
            _reference_problems(result, targets),
            _report_problems(result),
            _segment_problems(result, outcome.segment_voxels.get(output)),
        )
        problems += [f"{name}: {problem}" for check in checks for problem in _completed(check)]
    if problems:
        raise VerificationError(tuple(problems))
    return tuple(
        ResultObject(name, str(result.SOPClassUID), str(result.SOPInstanceUID)) for name, result in results.items()
    )


def _completed(check: Iterator[str]) -> Iterator[str]:
    try:
        yield from check
    # What a check relies on may itself be absent or malformed: the object is wrong, not the node.
    except Exception as error:
        yield f"cannot be checked: {type(error).__name__}: {error}"


def read_completely(path: Path) -> FileDataset:
    """Read a DICOM file and every value in it. Raises whatever pydicom does, and :class:`EOFError` for a short file."""
    dataset = dcmread(path)
    for raw in dataset.values():
        # pydicom takes a value that the end of the file cuts off as it is.
        if isinstance(raw, RawDataElement) and raw.length != _UNDEFINED_LENGTH and len(raw.value or b"") != raw.length:
            raise EOFError(f"{raw.tag} has {len(raw.value or b'')} bytes of {raw.length}")
    for element in dataset.iterall():
        element.value  # noqa: B018 - reading a value is what decodes it
    if "PixelData" in dataset and not dataset.file_meta.TransferSyntaxUID.is_compressed:
        expected = get_expected_length(dataset)
        if len(dataset.PixelData) != expected + expected % 2:
            raise EOFError(f"there are {len(dataset.PixelData)} bytes of pixel data, the header says {expected}")
    return dataset


def _outcome_problems(folder: Path, outcome: Outcome, analysis: Analysis) -> Iterator[str]:
    algorithm = analysis.algorithm
    if (outcome.app, outcome.version) != (algorithm.name, algorithm.version):
        yield f"the run was of {outcome.app} {outcome.version}, the job is of {algorithm.name} {algorithm.version}"
    if outcome.input_digest != analysis.input_digest:
        yield (
            f"the run has input digest {outcome.input_digest}, the job {analysis.input_digest}: app, model, settings "
            "or input are not those that the job was made for"
        )
    if not outcome.files:
        yield "there is no result object"
    if len({Path(name).stem for name in outcome.files}) != len(outcome.files):
        yield f"several result objects have one name: {', '.join(outcome.files)}"
    for name in sorted({path.name for path in folder.iterdir()} - {*outcome.files, FILE_NAME}):
        yield f"{name}: the app left a file that its outcome does not name"


def _file_problems(result: FileDataset) -> Iterator[str]:
    for keyword in _MANDATORY:
        if result.get(keyword) in (None, ""):
            yield f"{keyword} is absent or empty"
    meta = result.file_meta
    if meta.get("MediaStorageSOPClassUID") != result.get("SOPClassUID"):
        yield "the File Meta Information names another SOP class than the data set"
    if meta.get("MediaStorageSOPInstanceUID") != result.get("SOPInstanceUID"):
        yield "the File Meta Information names another SOP instance than the data set"
    if not UID(meta.get("TransferSyntaxUID", "")).is_transfer_syntax:
        yield "the File Meta Information names no transfer syntax"


def _identifier_problems(result: Dataset, output: str, analysis: Analysis) -> Iterator[str]:
    for keyword, slot in (("SOPInstanceUID", "instance"), ("SeriesInstanceUID", "series")):
        expected = analysis.uid(f"{output}/{slot}")
        if result.get(keyword) != expected:
            yield f"{keyword} is {result.get(keyword)}, the input gives {expected}"


def _identities(sources: Iterable[Path]) -> Iterator[dict[str, str]]:
    """Yield each different identity of the sources; spellings often differ within a study."""
    seen = set()
    for path in sources:
        header = dcmread(path, stop_before_pixels=True, specific_tags=["SpecificCharacterSet", *IDENTITY])
        identity = _identity(header)
        if (key := tuple(identity.values())) not in seen:
            seen.add(key)
            yield identity


def _identity(header: Dataset) -> dict[str, str]:
    found = {}
    for keyword in IDENTITY:
        try:
            found[keyword] = text(header, keyword) or ""
        except MalformedAttributeError as error:
            found[keyword] = str(error)
    return found


def _identity_problems(result: Dataset, identities: list[dict[str, str]]) -> Iterator[str]:
    own = _identity(result)
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


def _equipment_problems(result: Dataset, analysis: Analysis) -> Iterator[str]:
    """Contributing Equipment as IHE AIR wants it (volume 3, 6.5.3.1), equal to the algorithm that was run."""
    algorithm = analysis.algorithm
    processing = [
        item
        for item in result.get("ContributingEquipmentSequence", ())
        for purpose in item.get("PurposeOfReferenceCodeSequence", ())
        if (purpose.get("CodeValue"), purpose.get("CodingSchemeDesignator")) == ("109102", "DCM")
    ]
    if len(processing) != 1:
        yield f"{len(processing)} items of Contributing Equipment are (109102, DCM, Processing Equipment), not one"
    for item in processing:
        for keyword, expected in (
            ("Manufacturer", algorithm.manufacturer),
            ("ManufacturerModelName", algorithm.name),
            ("SoftwareVersions", algorithm.version),
            ("DeviceUID", algorithm.device_uid),
        ):
            if text(item, keyword) != expected:
                yield f"{keyword} of the Contributing Equipment is {text(item, keyword)!r}, not {expected!r}"
        if not item.get("ContributionDateTime"):
            yield "the Contributing Equipment has no Contribution DateTime"


def _reference_problems(result: Dataset, targets: Mapping[str, str]) -> Iterator[str]:
    wrong = Counter(
        f"refers to {uid}, which was not received in this study and is not among the results"
        if uid not in targets
        else f"refers to {uid} as {UID(sop_class).name}, but it is {UID(targets[uid]).name}"
        for uid, sop_class in _references(result)
        if targets.get(uid) != sop_class
    )
    yield from list(wrong)[:_LONGEST_LIST]
    if len(wrong) > _LONGEST_LIST:
        yield f"{len(wrong) - _LONGEST_LIST} more references are wrong"


def _references(dataset: Dataset) -> Iterator[tuple[str, str]]:
    if uid := dataset.get("ReferencedSOPInstanceUID"):
        yield str(uid), str(dataset.get("ReferencedSOPClassUID", ""))
    for element in dataset:
        if element.VR == "SQ" and element.keyword not in _IDENTITY_SEQUENCES:
            for item in element.value:
                yield from _references(item)


def _report_problems(result: Dataset) -> Iterator[str]:
    if result.get("Modality") != "SR":
        return
    for keyword, expected in (("CompletionFlag", "COMPLETE"), ("VerificationFlag", "UNVERIFIED")):
        if result.get(keyword) != expected:
            yield f"{keyword} is {result.get(keyword)}, not {expected}"


def _segment_problems(result: FileDataset, expected: Mapping[int, int] | None) -> Iterator[str]:
    """Voxels of each segment, counted in the object, against those that the app measured."""
    if result.get("SOPClassUID") != SegmentationStorage:
        if expected is not None:
            yield "the outcome counts segments, but the object is no Segmentation"
        return
    if expected is None:
        yield "the outcome does not count this Segmentation's voxels"
        return
    counted = count_segment_voxels(result)
    for number in sorted(counted.keys() | expected.keys()):
        if number not in counted:
            yield f"segment {number} is not described, the app measured {expected[number]} voxels"
        elif counted[number] != expected.get(number, 0):
            yield f"segment {number} has {counted[number]} voxels, the app measured {expected.get(number, 0)}"


def count_segment_voxels(segmentation: FileDataset) -> dict[int, int]:
    """Return the voxels of every described segment of a binary Segmentation (PS3.3 A.51), frame by frame."""
    counts = {int(item.SegmentNumber): 0 for item in segmentation.SegmentSequence}
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    frames = zip(segmentation.PerFrameFunctionalGroupsSequence, iter_pixels(segmentation), strict=True)
    for groups, pixels in frames:
        holder = groups if "SegmentIdentificationSequence" in groups else shared
        number = int(holder.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        counts[number] += int(pixels.sum())
    return counts
