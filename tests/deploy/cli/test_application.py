from __future__ import annotations

import os
import subprocess
import sys

from tests.deploy.cli.conftest import Gantry


def test_help_names_every_command(gantry: Gantry) -> None:
    result = gantry("--help")
    assert result.exit_code == 0
    for command in ("serve", "demo", "run", "send", "apps", "jobs", "studies", "config", "recover", "train"):
        assert command in result.stdout


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    """What a command needs is imported when it is called."""
    code = (
        "import sys, deploy.cli.application as a; "
        "print([n for n in ('torch', 'monai', 'holoscan', 'pydicom', 'sqlalchemy', 'numpy') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_module_is_the_command() -> None:
    environment = {**os.environ, "COLUMNS": "200"}
    command = [sys.executable, "-m", "deploy.cli", "apps", "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert "mr_white_matter_lesions" in done.stdout
