"""``gantry disk``: what takes the room, and making room."""

from __future__ import annotations

import getpass
from collections import Counter
from datetime import timedelta
from typing import Annotated

import typer

from deploy.cli.failure import fail
from deploy.cli.index import open_index, read_config
from deploy.cli.options import DEFAULT_CONFIG, ConfigFile

commands = typer.Typer(help="The room on the node's disk.", no_args_is_help=True)


@commands.command("show")
def show(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Show what takes the room, how much is left, how long it lasts, and what may be deleted when."""
    from deploy.cli.screen import show_fields, show_table
    from deploy.node.disk import Space
    from deploy.node.disk.fill import bytes_per_second, disk_samples, seconds_to_level
    from deploy.node.disk.protection import standings
    from deploy.node.disk.usage import usage

    node = read_config(config)
    database = open_index(config)
    space = Space(node.data_folder, node.disk)
    with database.read() as session:
        samples = disk_samples(session)
        found = list(standings(session))
    seconds = seconds_to_level(samples, space.reserve_bytes)
    show_fields(
        {
            "free": _size(space.free_bytes()),
            "reserve": f"{_size(space.reserve_bytes)}; below it images are refused",
            "fills by": f"{_size(round(bytes_per_second(samples) * 86400))} a day, as in the last day",
            "full in": "not in sight" if seconds is None else str(timedelta(seconds=round(seconds))),
            "kept once delivered": _days(node.disk.keep_delivered_days),
            "kept otherwise": _days(node.disk.keep_other_days),
        },
        title=f"Disk of {node.data_folder}",
    )
    show_table(("what", "size"), [(kind, _size(size)) for kind, size in usage(node.data_folder).items()], title="\nUse")
    counts = Counter(standing.why_kept(node.disk) for standing in found)
    show_table(
        ("studies", "why they are kept"), [(count, why) for why, count in counts.most_common()], title="\nStudies"
    )


@commands.command("clean")
def clean(
    config: ConfigFile = DEFAULT_CONFIG,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
    study: Annotated[
        str, typer.Option(metavar="UID", help="Delete this study, whatever its age; not while it is needed.")
    ] = "",
) -> None:
    """Delete what retention deletes by itself every minute, or one study. The node must be stopped for it."""
    from deploy.node.disk.retention import Retention
    from deploy.node.lock import DataFolderInUseError, lock_data_folder
    from deploy.node.spool import Spool

    node = read_config(config)
    database = open_index(config)
    retention = Retention(database, Spool(node.data_folder), node.data_folder, node.disk, lambda _: False)
    if dry_run:
        due = retention.due()
        for standing in due:
            typer.echo(f"{standing.study_instance_uid}: rests since {standing.rests_since:%Y-%m-%d %H:%M}")
        typer.echo(f"{len(due)} studies would be deleted")
        return
    try:
        # Which associations are open only the node knows.
        with lock_data_folder(node.data_folder):
            if not study:
                typer.echo(f"{retention.clean()} studies deleted")
                return
            deleted = retention.delete(study, asked_by=getpass.getuser())
    except DataFolderInUseError:
        fail("the node is running: it deletes by itself what may go; stop it to delete more")
    if deleted is None:
        fail(f"study {study} is not deleted: it is needed, or there are no images of it (see 'gantry disk show')")
    typer.echo(f"{deleted.instances} images deleted, {_size(deleted.bytes)}")


def _size(value: int) -> str:
    return f"{value / 2**30:.2f} GiB" if abs(value) >= 2**30 else f"{value / 2**20:.1f} MiB"


def _days(days: float | None) -> str:
    return "for ever" if days is None else f"{days:g} days"
