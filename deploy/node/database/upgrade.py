"""Bring the tables of a database up to date, with a copy of it kept beside."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import alembic.command
import alembic.config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from deploy.node.database.errors import NewerDatabaseError, OlderDatabaseError
from deploy.node.durable import synchronize_folder


def upgrade_database(path: Path, engine: Engine) -> None:
    """Make the tables, or bring them up to date in one transaction; a copy stays as ``<name>.before-<revision>``.

    ``engine`` begins transactions as a writer, and does not check foreign keys: a table that is made anew would take
    the rows with it that refer to it. They are checked before the commit.

    Raises :class:`NewerDatabaseError`: then nothing is changed.
    """
    scripts = ScriptDirectory.from_config(_config())
    with engine.connect() as connection:
        revision = _revision(connection, scripts)
    head = scripts.get_current_head()
    if revision == head:
        return
    if revision is not None:
        copy_database(path, path.with_name(f"{path.name}.before-{head}"))
    with engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")
        if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all():
            raise IntegrityError("upgrade", {}, ValueError(f"foreign keys are broken: {broken[:5]}"))


def check_revision(engine: Engine) -> None:
    """Raise :class:`NewerDatabaseError` or :class:`OlderDatabaseError` where the tables are not this version's."""
    scripts = ScriptDirectory.from_config(_config())
    with engine.connect() as connection:
        if _revision(connection, scripts) != scripts.get_current_head():
            raise OlderDatabaseError("the index is of an earlier version: 'gantry serve' brings it up to date")


def copy_database(source: Path, target: Path) -> None:
    """Copy a database as it is at one moment, while others use it; the copy is durable and whole, or not there.

    Raises :class:`sqlite3.Error`.
    """
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    with closing(sqlite3.connect(source)) as reading, closing(sqlite3.connect(part)) as writing:
        reading.backup(writing)
        # A copy has nobody who writes to it: it is one file.
        writing.execute("PRAGMA journal_mode = DELETE")
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.rename(target)
    synchronize_folder(target.parent)


def _revision(connection: Connection, scripts: ScriptDirectory) -> str | None:
    revision = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in scripts.walk_revisions()}
    if revision is not None and revision not in known:
        raise NewerDatabaseError(
            f"the index has revision {revision}, which this version does not know: it was made by a newer version; "
            "start that one, or restore the copy from before the update (index.sqlite.before-*)"
        )
    return revision


def _config() -> alembic.config.Config:
    config = alembic.config.Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations").replace("%", "%%"))
    return config
