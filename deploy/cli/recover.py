"""``gantry recover``: make the index from the spool again."""

from __future__ import annotations

from typing import Annotated

import typer

from deploy.cli.failure import explained, fail
from deploy.cli.index import read_config
from deploy.cli.options import DEFAULT_CONFIG, ConfigFile


def recover(
    config: ConfigFile = DEFAULT_CONFIG,
    rebuild: Annotated[bool, typer.Option(help="Make a new index even if the present one is sound.")] = False,
) -> None:
    """Repair the index of a node that is stopped; a damaged one is kept aside and made anew from the spool.

    A new index knows no jobs: when the node starts, every study in the spool is analysed and its results sent again,
    under the same identifiers as long as app, model and settings are the same.
    """
    from sqlalchemy.exc import DatabaseError

    from deploy.node.lock import DataFolderInUseError
    from deploy.node.recover import recover as recover_index

    node = read_config(config)
    if not node.data_folder.is_dir():
        fail(f"{config}: data_folder: there is no folder {node.data_folder}")
    with explained(DataFolderInUseError):
        try:
            done = recover_index(node.data_folder, rebuild=rebuild)
        except DatabaseError as error:
            fail(f"the index in {node.data_folder} cannot be opened now: {error.orig}")
    if done.replaced is not None:
        typer.echo(f"the former index is kept as {done.replaced}; every study is analysed and sent again")
    typer.echo(f"{done.indexed} instances indexed")
