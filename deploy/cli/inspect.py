"""``gantry inspect``: what Gantry understands of a folder of DICOM, without a node."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.failure import explained, fail

if TYPE_CHECKING:
    from deploy.inspect.report import AppReport, SeriesReport, StudyReport

# More files would push what can be read off the screen.
_UNREADABLE_SHOWN = 40


def inspect(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder with DICOM files, or one file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON in place of tables.")] = False,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Write a contact sheet of every series.")
    ] = None,
    apps: Annotated[
        list[str] | None,
        typer.Option(metavar="APP", help="Only this app, again for several; else every installed one."),
    ] = None,
    patient: Annotated[bool, typer.Option("--patient", help="Tell name and identifiers of the patient, too.")] = False,
) -> None:
    """Show what a folder holds: series, geometry, gates, files that cannot be read, and which apps would run.

    The exit status is 0 whatever the files are, and 1 when something went wrong by Gantry's own fault.
    """
    import warnings

    from apps.run import UnknownAppError, app_names
    from deploy.cli.screen import console
    from deploy.inspect.contact_sheet import save_contact_sheet
    from deploy.inspect.folder import inspect_folder
    from operators.manifest import ManifestError

    # Not Path.exists, which raises where a folder above may not be entered; what cannot be read is told below.
    if not os.path.lexists(folder):
        fail(f"there is no folder or file {folder}, or it may not be seen")
    if picture is not None and not picture.parent.is_dir():
        fail(f"there is no folder {picture.parent} for the picture {picture.name}")
    with explained(UnknownAppError, ManifestError), warnings.catch_warnings():
        # pydicom's warnings about odd values quote them: they may name a patient.
        warnings.simplefilter("ignore")
        inspection = inspect_folder(folder, apps or app_names(), with_patient=patient)
    report = inspection.report
    if as_json:
        # Not through the console, which would break lines.
        typer.echo(report.model_dump_json(indent=2))
    else:
        for place, study in enumerate(report.studies, start=1):
            _show_study(study, "Study" if len(report.studies) == 1 else f"Study {place} of {len(report.studies)}")
        if report.unreadable:
            _show_unreadable([(file.path, file.problem) for file in report.unreadable])
        if not report.studies:
            console.print("no DICOM instance can be read here", style="yellow")
    if picture is not None:
        with explained(OSError):
            save_contact_sheet(inspection.pictures, picture)
    if report.failures:
        fail("\n".join(["something went wrong by Gantry's own fault:", *report.failures]))


def _show_study(study: StudyReport, title: str) -> None:
    from deploy.cli.gates import show_gates
    from deploy.cli.screen import person_name, show_fields, show_table

    patient = study.patient
    show_fields(
        {
            "study": study.study_instance_uid,
            "date": study.date,
            "description": study.description,
            "patient": "" if patient is None else person_name(patient.name),
            "patient ID": "" if patient is None else patient.identifier,
            "birth date": "" if patient is None else patient.birth_date,
            "sex": "" if patient is None else patient.sex,
            "refused": "" if study.refusal is None else f"{study.refusal.reason}: {study.refusal.detail}",
        },
        title=title,
    )
    if not study.series:
        return
    show_table(
        ("series", "object", "size", "geometry", "verdict"),
        [
            (series.description, _object(series), _size(series), _geometry(series), _verdict(series))
            for series in study.series
        ],
        title="\nSeries",
    )
    gates = [gate.model_copy(update={"subject": _gated(series)}) for series in study.series for gate in series.gates]
    show_gates(gates, title="\nGates")
    for app in study.apps:
        _show_app(app)


def _gated(series: SeriesReport) -> str:
    """What the gates of a series judged."""
    count = len(series.volumes)
    return f"{series.description}\n(first of {count} volumes)" if count else series.description


def _show_app(app: AppReport) -> None:
    from rich.markup import escape

    from deploy.cli.printable import printable
    from deploy.cli.screen import console, show_table

    style = {"runs": "green", "refuses": "yellow", "undecided": "yellow"}.get(app.verdict, "dim")
    console.print(f"\n[bold]{escape(app.title)}[/] ({app.name} {app.version}): [{style}]{app.verdict}[/]")
    console.print(printable(app.why), markup=False)
    if app.decisions:
        show_table(
            ("series", "role", "chosen", "reason"),
            [
                (item.series_description, item.role, "yes" if item.chosen else "no", item.reason)
                for item in app.decisions
            ],
        )


def _show_unreadable(files: list[tuple[str, str]]) -> None:
    from deploy.cli.screen import show_table

    if len(files) <= _UNREADABLE_SHOWN:
        show_table(("file", "cannot be read because"), files, title="\nUnreadable files")
        return
    by_problem: dict[str, list[str]] = {}
    for name, problem in files:
        by_problem.setdefault(problem, []).append(name)
    show_table(
        ("files", "for example", "cannot be read because"),
        [(len(names), ", ".join(names[:3]), problem) for problem, names in by_problem.items()],
        title=f"\nUnreadable files: {len(files)} (--json tells each)",
    )


def _object(series: SeriesReport) -> str:
    classes = ", ".join(name.removesuffix(" Storage") for name in series.sop_classes)
    lines = [classes, *series.transfer_syntaxes]
    return "\n".join([*lines, f"{series.instances} instance{'s' if series.instances != 1 else ''}"])


def _size(series: SeriesReport) -> str:
    lines = []
    if series.matrix is not None:
        planes = "" if series.planes is None else f"{series.planes}×"
        lines.append(f"{planes}{series.matrix[0]}×{series.matrix[1]}")
    if series.volumes:
        lines.append(f"{len(series.volumes)} volumes:")
        lines += series.volumes[:6] + (("...",) if len(series.volumes) > 6 else ())
    for group in series.groups:
        units = ", ".join(dict.fromkeys(channel.unit for channel in group.channels if channel.unit)) or "no units"
        names = ", ".join(dict.fromkeys(channel.name for channel in group.channels))
        channels = "1 channel" if len(group.channels) == 1 else f"{len(group.channels)} channels"
        lines.append(f"{group.label}: {channels} of {group.duration:.4g} s ({names}; {units})")
    return "\n".join(lines)


def _geometry(series: SeriesReport) -> str:
    lines = []
    if series.spacing_mm is not None:
        lines.append("×".join(f"{value:g}" for value in series.spacing_mm) + " mm")
    lines += [series.orientation] if series.orientation else []
    lines += [f"values in {series.units}"] if series.units else []
    lines += [f"{group.sampling_frequency:g} Hz" for group in series.groups]
    return "\n".join([*lines, *series.notes])


def _verdict(series: SeriesReport) -> str:
    if series.failure:
        return f"failure: {series.failure}"
    failed = [gate.reason for gate in series.gates if not gate.passed]
    # The gates below say more of it.
    if series.refusal is not None and series.refusal.reason not in failed:
        return f"{series.refusal.reason}: {series.refusal.detail}"
    return ", ".join(failed) or {"other": "not read as images"}.get(series.kind, "readable")
