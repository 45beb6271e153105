"""Choose the series that an app's manifest asks for, with a recorded reason for each series not chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.uid import UID

from operators.manifest import InputRole, Manifest
from operators.provenance import MANUFACTURER
from operators.read.attributes import MalformedAttributeError, text, values
from operators.read.expression import compile_condition, compile_preference
from operators.read.study import Series, Study
from operators.read.variables import SeriesVariables
from operators.refused import Reason, Refused

CHOSEN = "chosen"
"""The reason of a series that plays the role."""


@dataclass(frozen=True)
class Decision:
    """What was decided about one series for one role, and why."""

    series_instance_uid: str
    series_description: str
    role: str
    chosen: bool
    reason: str


@dataclass(frozen=True)
class Selection:
    """The series chosen for each role (a role without a series is absent), and every decision."""

    series: Mapping[str, Series]
    decisions: tuple[Decision, ...]

    @property
    def sop_instance_uids(self) -> tuple[str, ...]:
        """SOP Instance UIDs of the chosen series: the analysis's input."""
        return tuple(instance.sop_instance_uid for series in self.series.values() for instance in series.instances)


@dataclass(frozen=True)
class _Candidate:
    """A series that meets every requirement of a role; ``ranks`` follow the role's preferences.

    ``age`` is the place of its study among the earlier ones, the newest first; 0 in the study itself.
    """

    series: Series
    ranks: tuple[float | None, ...]
    age: int

    @property
    def order(self) -> tuple[int, tuple[tuple[bool, float], ...], str]:
        """Sorts the preferred candidate first; a value that is unknown comes last; the UID breaks ties."""
        known = tuple((rank is None, -rank if rank is not None else 0.0) for rank in self.ranks)
        return self.age, known, self.series.series_instance_uid


def is_accepted(study: Study, manifest: Manifest) -> bool:
    """Return whether the study is this app's business: any series satisfies the manifest's ``accepts``.

    Results of this product do not count.
    """
    condition = compile_condition(manifest.accepts)
    return any(
        not is_own_result(series.header) and condition.truth(SeriesVariables(series)) is True for series in study.series
    )


def select_series(study: Study, manifest: Manifest, priors: Sequence[Study] = ()) -> Selection:
    """Choose at most one series for each role of the manifest. Never raises for a study without suitable series.

    A series can play a role when its SOP class is one of the role's and it meets every requirement. Among several,
    the role's preferences decide, most important first, then the lowest Series Instance UID. One series plays one
    role: as many roles as possible are filled, earlier roles of the manifest first, and a role takes its next best
    series where that lets another role be filled.

    A role from a prior is played by a series of ``priors``, the earlier studies of the patient, the newest first: one
    of a newer study comes before any preference.
    """
    ages = {series.series_instance_uid: age for age, prior in enumerate(priors) for series in prior.series}
    sources = {"study": study.series, "prior": tuple(series for prior in priors for series in prior.series)}
    pairs = [
        (series, role)
        for origin, found in sources.items()
        for series in found
        for role, wanted in manifest.inputs.items()
        if wanted.origin == origin
    ]
    variables = {str(series.series_instance_uid): SeriesVariables(series) for series, _ in pairs}
    candidates: dict[str, Sequence[_Candidate]] = {}
    reasons: dict[tuple[str, str], str] = {}
    for role, wanted in manifest.inputs.items():
        suitable = []
        for series in sources[wanted.origin]:
            problem = _unsuitable(series, wanted, variables[series.series_instance_uid])
            if problem is None:
                suitable.append(series)
            else:
                reasons[role, series.series_instance_uid] = problem
        candidates[role] = _ranked(suitable, wanted, variables, ages)
    chosen = _assign(candidates)
    for role, ranked in candidates.items():
        for candidate in ranked:
            uid = candidate.series.series_instance_uid
            reasons[role, uid] = _reason(candidate, role, manifest, chosen)
    decisions = tuple(
        Decision(
            series_instance_uid=str(series.series_instance_uid),
            series_description=series.description,
            role=role,
            chosen=reasons[role, series.series_instance_uid] == CHOSEN,
            reason=reasons[role, series.series_instance_uid],
        )
        for series, role in pairs
    )
    return Selection({role: candidate.series for role, candidate in chosen.items()}, decisions)


def missing_roles(selection: Selection, manifest: Manifest) -> str | None:
    """Return what the selection lacks, in one sentence with each series' reason, or None if it suffices."""
    absent = [[role] for role in manifest.required if role not in selection.series]
    if manifest.at_least_one_of and not any(role in selection.series for role in manifest.at_least_one_of):
        absent.append(list(manifest.at_least_one_of))
    if not absent:
        return None
    needed = " and ".join(" or ".join(manifest.inputs[role].title for role in roles) for roles in absent)
    considered = "; ".join(
        f"{manifest.inputs[role].title}: {_reasons(selection.decisions, role)}" for roles in absent for role in roles
    )
    return f"no series for {needed} ({considered})"


def require_series(study: Study, manifest: Manifest, priors: Sequence[Study] = ()) -> Selection:
    """Choose the series for each role; raises :class:`Refused` with every series' reason if a needed one is missing."""
    selection = select_series(study, manifest, priors)
    if lacking := missing_roles(selection, manifest):
        raise Refused(Reason.NO_SUITABLE_SERIES, lacking)
    return selection


def _reasons(decisions: Iterable[Decision], role: str) -> str:
    reasons = [f"{item.series_description}: {item.reason}" for item in decisions if item.role == role]
    return ", ".join(reasons) or "no series"


def _unsuitable(series: Series, role: InputRole, variables: SeriesVariables) -> str | None:
    """Return why a series cannot play a role, or None if it can."""
    if is_own_result(series.header):
        return "a result of this product"
    strangers = {instance.sop_class_uid for instance in series.instances} - role.sop_class_uids
    if strangers:
        return f"holds {', '.join(sorted(uid.name for uid in strangers))}, which is no {role.title} input"
    for requirement in role.where:
        condition = compile_condition(requirement.require)
        truth = condition.truth(variables)
        if not truth:
            seen = condition.seen(variables)
            reason = requirement.otherwise if truth is False else f"cannot be decided: {requirement.otherwise}"
            return f"{reason} ({seen})" if seen else reason
    return None


def _ranked(
    suitable: Sequence[Series], role: InputRole, variables: Mapping[str, SeriesVariables], ages: Mapping[UID, int]
) -> Sequence[_Candidate]:
    """Candidates, the preferred one first; a single one is not compared with anything."""
    preferences = [compile_preference(expression) for expression in role.prefer] if len(suitable) > 1 else []
    candidates = [
        _Candidate(
            series,
            tuple(preference.rank(variables[series.series_instance_uid]) for preference in preferences),
            ages.get(series.series_instance_uid, 0),
        )
        for series in suitable
    ]
    return sorted(candidates, key=lambda candidate: candidate.order)


def is_own_result(header: Dataset) -> bool:
    """Return whether this product made the object: its manufacturer, and an algorithm as contributing equipment."""
    try:
        return text(header, "Manufacturer") == MANUFACTURER and any(
            (text(purpose, "CodeValue"), text(purpose, "CodingSchemeDesignator")) == ("109102", "DCM")
            for item in values(header, "ContributingEquipmentSequence")
            for purpose in values(item, "PurposeOfReferenceCodeSequence")
        )
    # What this product writes can be read.
    except MalformedAttributeError:
        return False


def _assign(candidates: Mapping[str, Sequence[_Candidate]]) -> dict[str, _Candidate]:
    """Give each role one series, no series twice: bipartite matching by augmenting paths, best candidates first."""
    player: dict[str, str] = {}
    chosen: dict[str, _Candidate] = {}

    def fill(role: str, asked: set[str]) -> bool:
        # A role gives up its series only when the other one has no free series left.
        for candidate in sorted(candidates[role], key=lambda candidate: candidate.series.series_instance_uid in player):
            uid = candidate.series.series_instance_uid
            if uid in asked:
                continue
            asked.add(uid)
            if uid not in player or fill(player[uid], asked):
                player[uid] = role
                chosen[role] = candidate
                return True
        return False

    for role in candidates:
        fill(role, set())
    return {role: chosen[role] for role in candidates if role in chosen}


def _reason(candidate: _Candidate, role: str, manifest: Manifest, chosen: Mapping[str, _Candidate]) -> str:
    if role in chosen and chosen[role] is candidate:
        return CHOSEN
    playing = [other for other, taken in chosen.items() if taken.series is candidate.series]
    if playing:
        return f"chosen as {manifest.inputs[playing[0]].title}"
    best = chosen[role]
    if best.age != candidate.age:
        return f"a series of a later study was preferred: {best.series.description}"
    compared = zip(manifest.inputs[role].prefer, best.ranks, candidate.ranks, strict=True)
    why = next((f"{name} is {_rank(there)}, here {_rank(here)}" for name, there, here in compared if there != here), "")
    return f"another series was preferred: {best.series.description} ({why or 'equal; lower Series Instance UID'})"


def _rank(value: float | None) -> str:
    return "unknown" if value is None else f"{value:g}"
