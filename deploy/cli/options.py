"""Arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigFile = Annotated[
    Path, typer.Option("--config", "-c", envvar="GANTRY_CONFIG", help="The node's configuration file.")
]
"""The option ``--config``; without it the variable GANTRY_CONFIG, else ``gantry.yaml`` in the current folder."""

DEFAULT_CONFIG = Path("gantry.yaml")

AppName = Annotated[str, typer.Argument(metavar="APP", help="The app's name: see 'gantry apps list'.")]
