"""``gantry archive``: what a configured archive has, and fetching from it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.failure import explained, fail
from deploy.cli.index import open_index, read_config
from deploy.cli.options import DEFAULT_CONFIG, ConfigFile

if TYPE_CHECKING:
    from deploy.node.query import Archive

commands = typer.Typer(help="What archives have, and fetching from them.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The archive: a key below 'archives' in gantry.yaml.")]


@commands.command("find")
def find(
    name: Name,
    patient: Annotated[str, typer.Option(help="Patient ID.")] = "",
    study: Annotated[str, typer.Option(help="Study Instance UID.")] = "",
    accession: Annotated[str, typer.Option(help="Accession number.")] = "",
    date: Annotated[str, typer.Option(help="Study date, YYYYMMDD, or a range such as 20260101-20260131.")] = "",
    modality: Annotated[list[str] | None, typer.Option(help="Only studies that have it; may be given again.")] = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """List the studies of an archive that match (C-FIND), by at least one of the first four options."""
    from deploy.cli.screen import show_table
    from deploy.node.query import PeerError, find_studies

    with explained(PeerError, ValueError):
        found = find_studies(
            _archive(config, name),
            patient_id=patient,
            study_instance_uid=study,
            accession_number=accession,
            study_date=date,
            modalities=modality or (),
        )
    show_table(
        ("study date", "patient ID", "accession", "description", "modalities", "instances", "study instance UID"),
        [
            (
                each.study_date,
                each.patient_id,
                each.accession_number,
                each.description,
                ", ".join(each.modalities),
                "" if each.instances is None else each.instances,
                each.study_instance_uid,
            )
            for each in found
        ],
    )


@commands.command("fetch")
def fetch_study(
    name: Name,
    study: Annotated[str, typer.Argument(metavar="STUDY", help="Study Instance UID.")],
    series: Annotated[str | None, typer.Option(help="Only this series, by its Series Instance UID.")] = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Fetch a study into the node, which then treats it as if it had been sent; the exit status is 1 if not all came.

    With ``retrieve: move`` the node has to be running; with C-GET it may be.
    """
    from deploy.node.disk import Space
    from deploy.node.query import PeerError, fetch
    from deploy.node.spool import Spool

    archive = _archive(config, name)
    node = read_config(config)
    database = open_index(config)
    # What a killed command leaves half-written bears its number.
    spool = Spool(node.data_folder, writer=f"fetch{os.getpid()}")
    try:
        with explained(PeerError):
            fetched = fetch(archive, spool, database, study, series, space=Space(node.data_folder, node.disk))
    finally:
        database.close()
    typer.echo(f"{fetched.completed + fetched.warnings} instances have come from {name}")
    if not fetched.complete:
        fail("\n".join([fetched.problem, *fetched.failed_instances]))


def _archive(config: Path, name: str) -> Archive:
    from deploy.node.query import configured_archive

    node = read_config(config)
    if name not in node.archives:
        fail(f"there is no archive {name!r}; the archives are: {', '.join(sorted(node.archives)) or 'none'}")
    return configured_archive(node, name)
