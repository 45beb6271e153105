"""Which apps would analyse a study, and why the others would not."""

from __future__ import annotations

from collections.abc import Iterable

from apps.run import app_manifest
from deploy.inspect.report import AppReport
from operators.check.reading import reading_gate
from operators.manifest import Manifest
from operators.outcome import Decision, Gate
from operators.read.selection import Selection, is_accepted, missing_roles, select_series
from operators.read.study import Study


def inspect_apps(study: Study, names: Iterable[str]) -> tuple[AppReport, ...]:
    """Return what each app would do with a study: routing, selection and reading, as the node and the app do them.

    The app's own gates come after that and are not run. Raises ``ManifestError`` or ``UnknownAppError``.
    """
    return tuple(_inspect(study, app_manifest(name)) for name in names)


def _inspect(study: Study, manifest: Manifest) -> AppReport:
    part = manifest.application
    report = AppReport(
        name=part.name,
        title=part.title,
        version=part.version,
        verdict="not concerned",
        why=f"no series satisfies: {' '.join(manifest.accepts.split())}",
    )
    if not is_accepted(study, manifest):
        return report
    selection = select_series(study, manifest)
    decisions = tuple(Decision(**vars(decision)) for decision in selection.decisions)
    report = report.model_copy(update={"decisions": decisions, "verdict": "refuses"})
    if lacking := missing_roles(selection, manifest):
        return report.model_copy(update={"why": lacking})
    gates = _reading(selection, manifest)
    report = report.model_copy(update={"gates": tuple(gates.values())})
    chosen = ", ".join(
        f"{manifest.inputs[role].title}: {series.description}" for role, series in selection.series.items()
    )
    failed = {role: gate for role, gate in gates.items() if not gate.passed}
    if not failed:
        return report.model_copy(update={"verdict": "runs", "why": chosen})
    why = "; ".join(f"{manifest.inputs[role].title} cannot be read: {gate.detail}" for role, gate in failed.items())
    # With another series to go by, some apps go on without the one that cannot be read.
    others = set(selection.series) - set(failed)
    can_do_without = not set(failed) & set(manifest.required) and bool(others)
    return report.model_copy(update={"verdict": "undecided" if can_do_without else "refuses", "why": why})


def _reading(selection: Selection, manifest: Manifest) -> dict[str, Gate]:
    """The verdict of reading the chosen series of each role by the role's rules."""
    gates = {}
    for role, series in selection.series.items():
        wanted = manifest.inputs[role]
        gates[role] = Gate.of(reading_gate(series, wanted).about(f"{wanted.title} ({series.description})"))
    return gates
