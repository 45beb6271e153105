"""Calls of the command line within this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from deploy.cli.application import application
from deploy.cli.screen import console

Gantry = Callable[..., Result]


@pytest.fixture
def gantry(monkeypatch: pytest.MonkeyPatch) -> Gantry:
    """Run ``gantry`` with these arguments."""
    # Wide tables, so that a value is not folded.
    monkeypatch.setenv("COLUMNS", "240")
    monkeypatch.setattr(console, "width", 240)

    def call(*arguments: object) -> Result:
        result = CliRunner().invoke(application, [str(argument) for argument in arguments])
        # A user's mistake ends with SystemExit; anything else would have been a traceback.
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return call


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A ``gantry.yaml`` of a node with one app and one destination."""
    path = tmp_path / "gantry.yaml"
    content = {
        "data_folder": "data",
        "receive": {"ae_title": "GANTRY", "host": "127.0.0.1", "port": 11112},
        "peers": {"mr1": {"ae_title": "MR1", "networks": ["10.0.0.0/24"]}},
        "destinations": {"pacs": {"ae_title": "PACS", "host": "127.0.0.1", "port": 104}},
        "apps": {"mr_white_matter_lesions": {"destinations": ["pacs"]}},
    }
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path
