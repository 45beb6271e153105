"""Alembic's entry: run the migrations on the connection that :func:`deploy.node.database.open_database` gives."""

from __future__ import annotations

from alembic import context

from deploy.node.database import Base

# SQLite cannot alter a table in place: "batch" makes Alembic copy it into a new one.
context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True
)
context.run_migrations()
