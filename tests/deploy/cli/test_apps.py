from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from apps import run
from apps.run import app_folder, app_manifest, app_names
from tests.deploy.cli.conftest import Gantry

APP = "mr_white_matter_lesions"


def test_list_shows_every_app_and_what_its_model_is_for(gantry: Gantry) -> None:
    result = gantry("apps", "list")
    assert result.exit_code == 0
    for name in app_names():
        manifest = app_manifest(name)
        for text in (name, manifest.application.version, manifest.model.notice):
            assert text in result.stdout


def test_show_tells_intended_use_limits_and_notice(gantry: Gantry) -> None:
    result = gantry("apps", "show", APP)
    manifest = app_manifest(APP)
    told = " ".join(result.stdout.split())
    assert result.exit_code == 0
    for text in (manifest.model.notice, " ".join(manifest.intended_use.split()), *manifest.limits):
        assert text in told
    for role in manifest.inputs.values():
        assert all(requirement.otherwise in told for requirement in role.where)


def test_an_unknown_app_lists_those_that_exist(gantry: Gantry) -> None:
    for arguments in (("apps", "show", "mr_brain"), ("run", "mr_brain", ".", "out"), ("train", "mr_brain")):
        result = gantry(*arguments)
        assert result.exit_code == 1
        assert "'mr_brain'" in result.stderr
        assert all(name in result.stderr for name in app_names())


def test_check_accepts_the_shipped_app(gantry: Gantry) -> None:
    result = gantry("apps", "check", APP)
    assert result.exit_code == 0, result.stderr
    assert "unchanged" in result.stdout


def test_check_names_what_an_app_lacks(gantry: Gantry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "ecg_intervals"
    shutil.copytree(app_folder("ecg_intervals"), folder)
    for part in ("app.py", "__main__.py", "README.md"):
        (folder / part).unlink()
    monkeypatch.setattr(run, "app_folder", lambda name: folder)
    result = gantry("apps", "check", "ecg_intervals")
    assert result.exit_code == 1
    for part in ("app.py", "__main__.py", "README.md"):
        assert f"{part} is absent" in result.stderr
