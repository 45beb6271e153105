"""``gantry studies``: what was received, and what became of it and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.failure import fail
from deploy.cli.index import open_index
from deploy.cli.options import DEFAULT_CONFIG, ConfigFile

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from deploy.node.database import Study

commands = typer.Typer(help="The studies that the node has received.", no_args_is_help=True)


@commands.command("list")
def list_studies(
    config: ConfigFile = DEFAULT_CONFIG,
    limit: Annotated[int, typer.Option(min=1, help="How many of the newest studies.")] = 50,
) -> None:
    """List the newest studies and their outcome, newest first."""
    from sqlalchemy import select

    from deploy.cli.screen import local_time, person_name, show_list
    from deploy.node.database import Study

    query = select(Study).order_by(Study.last_received.desc()).limit(limit)
    with open_index(config).read() as session:
        show_list(
            ("patient", "patient ID", "accession", "study date", "description", "received", "outcome", "study"),
            [
                (
                    person_name(study.patient_name),
                    study.patient_id,
                    study.accession_number,
                    study.study_date,
                    study.description,
                    local_time(study.last_received),
                    study.outcome,
                    study.study_instance_uid,
                )
                for study in session.scalars(query)
            ],
        )


@commands.command("show")
def show_study(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="Study Instance UID, or accession number.")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Show one study: what came, every decision about it with its reason, its jobs and its outcome."""
    from deploy.cli.screen import local_time, person_name, show_fields

    with open_index(config).read() as session:
        found = _study(session, study)
        show_fields(
            {
                "patient": person_name(found.patient_name),
                "patient ID": found.patient_id,
                "accession number": found.accession_number,
                "study date": found.study_date,
                "description": found.description,
                "study instance UID": found.study_instance_uid,
                "first image": local_time(found.first_received),
                "last image": local_time(found.last_received),
                "decided": local_time(found.decided) or "not yet",
                "outcome": found.outcome or "none yet",
            },
            title="Study",
        )
        _show_series(found)
        _show_jobs(found)
        _show_events(session, found)


def _study(session: Session, name: str) -> Study:
    from sqlalchemy import select

    from deploy.node.database import Study

    found = session.get(Study, name)
    if found is not None:
        return found
    named = session.scalars(select(Study).where(Study.accession_number == name)).all()
    if not named:
        fail(f"there is no study with Study Instance UID or accession number {name!r}; see 'gantry studies list'")
    if len(named) > 1:
        uids = "\n".join(study.study_instance_uid for study in named)
        fail(f"{len(named)} studies have the accession number {name}; name one by its Study Instance UID:\n{uids}")
    return named[0]


def _show_series(study: Study) -> None:
    from pydicom.uid import UID

    from deploy.cli.screen import show_table

    kept = [instance for instance in study.instances if not instance.conflicting]
    counts = Counter((item.series_instance_uid, item.sop_class_uid, item.calling_ae_title) for item in kept)
    show_table(
        ("series instance UID", "SOP class", "from", "instances"),
        [(series, UID(sop_class).name, sender, count) for (series, sop_class, sender), count in counts.items()],
        title="\nReceived",
    )


def _show_jobs(study: Study) -> None:
    from deploy.cli.screen import local_time, show_table, state_text

    show_table(
        ("job", "app", "state", "reason", "detail", "finished"),
        [
            (
                job.id,
                f"{job.app} {job.app_version}",
                state_text(job.state.value),
                job.reason,
                job.detail,
                local_time(job.finished),
            )
            for job in study.jobs
        ],
        title="\nJobs",
    )


def _show_events(session: Session, study: Study) -> None:
    from sqlalchemy import select

    from deploy.cli.gates import show_gates
    from deploy.cli.screen import local_time, show_table
    from deploy.node.database import Event
    from operators.outcome import Gate

    events = session.scalars(
        select(Event).where(Event.study_instance_uid == study.study_instance_uid).order_by(Event.id)
    ).all()
    apps = {job.id: job.app for job in study.jobs}
    told: list[object] = []
    for event in events:
        decisions = event.data.get("decisions")
        app = event.data.get("app") or apps.get(event.job_id or 0, event.kind)
        # The app decides again when it runs, and comes to the same: that is told once.
        if isinstance(decisions, list) and (app, decisions) not in told:
            told.append((app, decisions))
            show_table(
                ("series", "role", "chosen", "reason"),
                [
                    (
                        f"{decision['series_description']}\n{decision['series_instance_uid']}",
                        decision["role"],
                        "yes" if decision["chosen"] else "no",
                        decision["reason"],
                    )
                    for decision in decisions
                ],
                title=f"\nSeries for {app}",
            )
        gates = event.data.get("gates")
        if isinstance(gates, list):
            show_gates([Gate.model_validate(gate) for gate in gates], title=f"\nGates of job {event.job_id}")
    show_table(
        ("app", "decided", "evidence"),
        [
            (event.data.get("app") or "the node", local_time(event.at), _evidence_text(evidence))
            for event in events
            if isinstance(evidence := event.data.get("evidence"), dict)
        ],
        title="\nReadiness",
    )
    show_table(
        ("time", "job", "event", "what happened"),
        [(local_time(event.at), event.job_id or "", event.kind, event.text) for event in events],
        title="\nDecisions and events",
    )


def _evidence_text(evidence: Mapping[str, object]) -> str:
    """The evidence of a decision, a line for each thing that was known (times in seconds)."""
    return "\n".join(f"{name.replace('_', ' ')}: {_value_text(value)}" for name, value in evidence.items())


def _value_text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    if isinstance(value, list):
        return "; ".join(map(_value_text, value))
    return "yes" if value is True else "no" if value is False else str(value)
