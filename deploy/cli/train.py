"""``gantry train``: train an app's model."""

from __future__ import annotations

import importlib
import importlib.util

import typer

from deploy.cli.failure import fail
from deploy.cli.options import AppName

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
"""Everything after the app's name belongs to the app's own training program."""


def train(context: typer.Context, app: AppName) -> None:
    """Train an app's model; what follows APP goes to the app's own program ('gantry train APP --help')."""
    from deploy.cli.apps import read_manifest

    if app in ("--help", "-h"):
        typer.echo("Usage: gantry train APP [ARGS]...\n\nTrain an app's model; 'gantry train APP --help' lists ARGS.")
        return
    read_manifest(app)
    name = f"apps.{app}.train"
    if importlib.util.find_spec(name) is None:
        fail(f"{app} has no training program ({name})")
    importlib.import_module(name).main(context.args)
