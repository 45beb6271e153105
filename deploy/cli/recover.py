"""``gantry recover``: make the index from the spool again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.failure import explained, fail
from deploy.cli.index import open_index, read_config
from deploy.cli.options import DEFAULT_CONFIG, ConfigFile


def recover(
    config: ConfigFile = DEFAULT_CONFIG,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make a new index even if the present one is sound.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only read every image again and compare it with what was received.")
    ] = False,
) -> None:
    """Repair the index of a node that is stopped; a damaged one is kept aside and made anew from the spool.

    A new index knows the jobs whose results are still in the outbox: they are sent again, the same to the byte. Every
    other study in the spool is analysed again when the node starts, under the same identifiers as long as app, model
    and settings are the same.
    """
    from sqlalchemy.exc import DatabaseError

    from deploy.node.lock import DataFolderInUseError
    from deploy.node.recover import recover as recover_index

    node = read_config(config)
    if not node.data_folder.is_dir():
        fail(f"{config}: data_folder: there is no folder {node.data_folder}")
    if check:
        _check(config, node.data_folder)
        return
    with explained(DataFolderInUseError):
        try:
            done = recover_index(node.data_folder, rebuild=rebuild)
        except DatabaseError as error:
            fail(f"the index in {node.data_folder} cannot be opened now: {error.orig}")
    if done.replaced is not None:
        typer.echo(f"the former index is kept as {done.replaced}")
        typer.echo(f"the results of {done.taken_over} jobs are taken over; every other study is analysed again")
    typer.echo(f"{done.indexed} instances indexed")


def _check(config: Path, data_folder: Path) -> None:
    from deploy.node.recover import check_spool
    from deploy.node.spool import Spool

    found = check_spool(open_index(config), Spool(data_folder))
    typer.echo(f"{found.sound} images are as they were received ({found.bytes / 2**20:.1f} MiB)")
    if found.problems:
        fail("\n".join(f"{path}: {problem}" for path, problem in found.problems))
