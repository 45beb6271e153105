"""``gantry destinations``: where results go, and what waits for whom."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from deploy.cli.failure import explained, fail
from deploy.cli.index import open_index, read_config
from deploy.cli.options import DEFAULT_CONFIG, ConfigFile

commands = typer.Typer(help="Where results go, and what waits.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The destination: see 'gantry destinations list'.")]


@commands.command("list")
def list_destinations(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """List every destination: how much waits for it since when, and whether it answers."""
    from deploy.cli.screen import local_time, show_list
    from deploy.node.outbox import destination_statuses, destinations_of

    with open_index(config).read() as session:
        show_list(
            ("destination", "to send", "to be committed", "oldest", "circuit", "failures", "next try", "last problem"),
            [
                (
                    item.name,
                    item.unsent,
                    item.uncommitted,
                    local_time(item.oldest),
                    item.circuit.value,
                    item.failures,
                    local_time(item.retry),
                    item.problem,
                )
                for item in destination_statuses(session, destinations_of(read_config(config)))
            ],
        )


@commands.command("test")
def ask(name: Name, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Ask a destination whether it answers (C-ECHO, or an empty search by DICOMweb); nothing is stored."""
    from deploy.node.outbox import destinations_of, sender_for
    from deploy.node.send import DestinationError

    configured = read_config(config)
    found = destinations_of(configured)
    if name not in found:
        fail(f"there is no destination {name!r}; the destinations are: {', '.join(sorted(found)) or 'none'}")
    sender = sender_for(found[name], configured.receive.ae_title)
    try:
        with explained(DestinationError):
            status = sender.echo()
    finally:
        sender.close()
    if status != 0:
        fail(f"{name} answers with status {status:04X}")
    typer.echo(f"{name} answers")


@commands.command("resume")
def resume(name: Name, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Send what waits for a destination at once, without waiting for its next try."""
    from deploy.node.outbox import destination_statuses, destinations_of, resume_destination

    database = open_index(config)
    with database.write() as session:
        known = [item.name for item in destination_statuses(session, destinations_of(read_config(config)))]
        if name not in known:
            fail(f"there is no destination {name!r}; the destinations are: {', '.join(known) or 'none'}")
        count = resume_destination(session, name, asked_by=getpass.getuser())
    typer.echo(f"{name} is tried again at once; {count} instances wait for it")
