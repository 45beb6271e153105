"""Verify: re-read every result before it may leave, as if someone else had written it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from deploy.node.verify.air import air_problems
from deploy.node.verify.identity import identity_problems, result_identity, source_identities
from deploy.node.verify.pixels import pixel_problems, segment_problems
from deploy.node.verify.references import KnownInstance, as_known, reference_problems
from deploy.node.verify.replaced import replacement_problems
from deploy.node.verify.result_file import ResultFile, file_problems, read_result
from deploy.node.verify.structure import structure_problems
from deploy.node.verify.terms import MODALITIES
from deploy.node.verify.values import value_problems
from operators.outcome import FILE_NAME, Outcome
from operators.provenance import Analysis

_LONGEST_LIST = 5
"""Problems of one kind that are told of one file: what is wrong in one frame is wrong in thousands."""


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
    folder: Path,
    outcome: Outcome,
    analysis: Analysis,
    *,
    sources: Iterable[Path],
    known: Mapping[str, KnownInstance],
) -> tuple[ResultObject, ...]:
    """Check the objects in ``folder`` against the outcome, the analysis that they are to be of and their sources.

    ``sources`` are the files that the app was given. ``known`` maps each SOP Instance UID that a result may refer
    to, besides other results of this run, to what it is: the received instances of the study and its earlier results.

    Raises :class:`VerificationError` with every problem found.
    """
    problems = list(_outcome_problems(folder, outcome, analysis))
    results: list[ResultFile] = []
    for name in outcome.files:
        if Path(name).name != name:
            problems.append(f"{name}: is not a file's name in the output folder")
            continue
        try:
            results.append(read_result(folder / name))
        # A damaged object can make a parser raise nearly anything; whatever it is, the object must not leave.
        except Exception as error:
            problems.append(f"{name}: cannot be read: {type(error).__name__}: {error}")
    identities = source_identities(sources)
    targets = {**known, **{result.sop_instance_uid: as_known(result.root) for result in results}}
    for result in results:
        checks = (
            file_problems(result),
            structure_problems(result.root),
            value_problems(result.root),
            _series_problems(result, analysis),
            identity_problems(result_identity(result.path), identities),
            air_problems(result.root, analysis.algorithm),
            reference_problems(result.root, targets),
            replacement_problems(result.root, analysis.replaced(result.output), targets),
            pixel_problems(result.root),
            segment_problems(result, outcome.segment_voxels.get(result.output)),
        )
        problems += [f"{result.name}: {problem}" for check in checks for problem in _in_short(_completed(check))]
    if problems:
        raise VerificationError(tuple(problems))
    return tuple(ResultObject(result.name, result.sop_class_uid, result.sop_instance_uid) for result in results)


def _completed(check: Iterator[str]) -> Iterator[str]:
    try:
        yield from check
    # What a check relies on may itself be absent or malformed: the object is wrong, not the node.
    except Exception as error:
        yield f"cannot be checked: {type(error).__name__}: {error}"


def _in_short(check: Iterator[str]) -> Iterator[str]:
    problems = dict.fromkeys(check)
    yield from islice(problems, _LONGEST_LIST)
    if len(problems) > _LONGEST_LIST:
        yield f"{len(problems) - _LONGEST_LIST} more problems of this kind"


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


def _series_problems(result: ResultFile, analysis: Analysis) -> Iterator[str]:
    """Yield identifiers that the input does not give, and a modality that the IOD does not."""
    root = result.root
    for keyword, slot in (("SOPInstanceUID", "instance"), ("SeriesInstanceUID", "series")):
        expected = analysis.uid(f"{result.output}/{slot}")
        if root.text(keyword) != expected:
            yield f"{keyword} is {root.text(keyword)}, the input gives {expected}"
    modalities = MODALITIES.get(result.sop_class_uid)
    if modalities is not None and root.text("Modality") not in modalities:
        yield f"Modality is {root.text('Modality')!r}, the IOD has {' or '.join(modalities)}"
