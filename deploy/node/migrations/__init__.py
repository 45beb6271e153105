"""Changes of the database's tables, applied by Alembic whenever a node starts."""
