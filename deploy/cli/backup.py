"""``gantry backup`` and ``gantry restore``."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.failure import explained, fail
from deploy.cli.index import read_config
from deploy.cli.options import DEFAULT_CONFIG, ConfigFile


def backup(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to: a new or empty folder.")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Copy what the node keeps, also while it runs: index, images and results. Logs are left out."""
    from deploy.node.backup import BackupError, back_up

    node = read_config(config)
    with explained(BackupError):
        try:
            copied = back_up(node.data_folder, folder)
        except (OSError, sqlite3.Error) as error:
            fail(f"the backup in {folder} is not whole: {error}")
    typer.echo(
        f"{copied.images} images and {copied.results} files of results, {copied.bytes / 2**20:.1f} MiB: {folder}"
    )


def restore(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="What 'gantry backup' has made.")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Make the data folder of a backup again, where there is none; then the node can be started."""
    from deploy.node.backup import BackupError
    from deploy.node.backup import restore as restore_backup
    from deploy.node.lock import DataFolderInUseError

    node = read_config(config)
    with explained(BackupError, DataFolderInUseError):
        try:
            copied = restore_backup(folder, node.data_folder)
        except (OSError, sqlite3.Error) as error:
            fail(f"{node.data_folder} could not be restored: {error}")
    typer.echo(f"{copied.images} images and {copied.results} files of results of {copied.made}: {node.data_folder}")
