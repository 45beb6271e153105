"""Read what the node knows, from its database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from deploy.cli.failure import explained, fail

if TYPE_CHECKING:
    from sqlalchemy.exc import DatabaseError

    from deploy.node.config import NodeConfig
    from deploy.node.database import Database


def read_config(path: Path) -> NodeConfig:
    """Read ``gantry.yaml``; a missing or wrong file ends the command with a message that names the key."""
    from deploy.node.config import ConfigError, load_config

    if not path.is_file():
        fail(f"there is no configuration file {path}; name one with --config or GANTRY_CONFIG")
    with explained(ConfigError):
        return load_config(path)


def open_index(path: Path) -> Database:
    """Open the database of the node that ``path`` configures; a node that never ran ends the command."""
    from sqlalchemy.exc import DatabaseError

    from deploy.node.database import (
        FILE_NAME,
        NewerDatabaseError,
        OlderDatabaseError,
        check_database,
        open_database,
    )

    data_folder = read_config(path).data_folder
    if not (data_folder / FILE_NAME).is_file():
        fail(f"there is no node's index in {data_folder}: has 'gantry serve' run with this configuration?")
    try:
        # Not brought up to date here: a node of the former version may be at work on it.
        with explained(NewerDatabaseError, OlderDatabaseError):
            check_database(data_folder)
        return open_database(data_folder, upgrade=False)
    except DatabaseError as error:
        fail_on_index(data_folder, error)


def fail_on_index(data_folder: Path, error: DatabaseError) -> NoReturn:
    """End the command because the index cannot be opened, and say what helps."""
    from deploy.node.database import is_passing

    advice = "try again later" if is_passing(error) else "'gantry recover' makes it from the spool again"
    fail(f"the index in {data_folder} cannot be opened: {error.orig}; {advice}")
