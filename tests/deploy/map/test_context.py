"""The build context of a MAP, against the MONAI Application Package specification 1.0."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from apps.run import app_folder, app_manifest, model_folder_of
from deploy.map import context, layout
from deploy.map.context import PackageError, write_context
from deploy.map.requirements import pinned_requirements
from tests.deploy.cli.conftest import Gantry
from tests.deploy.map.conftest import APP, APPS

ONLY_FOR_TRAINING = {"phantoms", "wfdb"}
"""What an app's training reads its data with; the packaged app never trains."""


def inside(rootfs: Path, path: str) -> Path:
    return rootfs / path.lstrip("/")


def test_the_application_manifest_has_what_the_specification_asks_for(rootfs: Path, app: str) -> None:
    content = json.loads(inside(rootfs, layout.APP_MANIFEST).read_text(encoding="utf-8"))
    manifest = app_manifest(app)
    assert content["apiVersion"] == "1.0.0"
    assert content["type"] == "application"
    assert content["command"] == f"python3 -m apps.{app}"
    assert content["input"] == {"path": "/var/holoscan/input", "formats": ["file"]}
    assert content["output"] == {"path": "/var/holoscan/output", "format": "file"}
    assert content["sdk"] == "monai-deploy"
    assert re.fullmatch(r"\d+\.\d+\.\d+", content["sdkVersion"])
    assert content["timeout"] == manifest.resources.timeout
    assert content["version"] == manifest.application.version
    assert content["workingDirectory"] == "/var/holoscan"
    assert (
        content["environment"].items()
        >= {
            "HOLOSCAN_INPUT_PATH": "/var/holoscan/input",
            "HOLOSCAN_OUTPUT_PATH": "/var/holoscan/output",
            "HOLOSCAN_WORKDIR": "/var/holoscan",
            "HOLOSCAN_MODEL_PATH": "/opt/holoscan/models",
            "HOLOSCAN_CONFIG_PATH": "/var/holoscan/app.yaml",
            "HOLOSCAN_APP_MANIFEST_PATH": "/etc/holoscan/app.json",
            "HOLOSCAN_PKG_MANIFEST_PATH": "/etc/holoscan/pkg.json",
            "HOLOSCAN_DOCS": "/opt/holoscan/docs",
            "HOLOSCAN_LOGS": "/var/holoscan/logs",
        }.items()
    )


def test_the_package_manifest_names_roots_models_and_resources(rootfs: Path, app: str) -> None:
    content = json.loads(inside(rootfs, layout.PKG_MANIFEST).read_text(encoding="utf-8"))
    resources = app_manifest(app).resources
    assert content["applicationRoot"] == "/opt/holoscan/app"
    assert content["modelRoot"] == "/opt/holoscan/models"
    assert content["resources"] == {
        "cpu": resources.cpu,
        "gpu": resources.gpu,
        "memory": resources.memory,
        "gpuMemory": resources.gpuMemory,
    }
    (model,) = content["models"]
    assert inside(rootfs, f"{content['modelRoot']}/{model['path']}").is_dir()


def test_every_file_of_the_model_is_there_and_readable_by_everyone(rootfs: Path, app: str) -> None:
    folder = inside(rootfs, layout.MODELS) / app
    for file in app_manifest(app).model.files:
        copied = folder / file.path
        assert copied.read_bytes() == (model_folder_of(app) / file.path).read_bytes()
        # The app runs as a user who owns none of them.
        assert copied.stat().st_mode & 0o004


def test_the_dockerfile_pins_its_base_labels_the_image_and_leaves_root(built: Path, app: str) -> None:
    text = (built / "Dockerfile").read_text(encoding="utf-8")
    manifest = app_manifest(app)
    assert re.search(r"^FROM python:3\.\d+\.\d+-slim-\w+$", text, re.MULTILINE)
    for label in (
        f'base="{context.DEFAULT_BASE_IMAGE}"',
        f'tag="{app}:{manifest.application.version}"',
        f'org.opencontainers.image.title="{manifest.application.title}"',
        f'org.opencontainers.image.version="{manifest.application.version}"',
    ):
        assert label in text
    assert manifest.model.notice in text
    # Only what follows the last USER matters to the running app.
    assert text.rindex("USER 1000:1000") < text.index("ENTRYPOINT")
    assert all(f"{name}={value}" in text for name, value in layout.ENVIRONMENT.items())


def test_every_package_that_the_code_imports_is_pinned(rootfs: Path) -> None:
    requirements = inside(rootfs, layout.REQUIREMENTS).read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][^+\s]*", line) for line in requirements)
    pinned = {line.partition("==")[0] for line in requirements}
    distributions = packages_distributions()
    application = inside(rootfs, layout.APPLICATION)
    own = {path.name for path in application.iterdir()} | ONLY_FOR_TRAINING
    for path in application.rglob("*.py"):
        for name in imported_packages(path) - own - set(sys.stdlib_module_names):
            assert any(canonicalize_name(found) in pinned for found in distributions[name]), f"{path} imports {name}"


def imported_packages(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_pins_are_those_of_this_environment() -> None:
    pins = dict(line.split("==") for line in pinned_requirements())
    assert {"torch", "pydicom", "monai-deploy-app-sdk", "holoscan-cu13", "pylibjpeg-openjpeg"} <= set(pins)
    # What the node needs has no place in an app's image.
    assert not {"pynetdicom", "sqlalchemy", "typer"} & set(pins)


def test_the_tool_shows_and_exports_what_the_package_holds(rootfs: Path, app: str, tmp_path: Path) -> None:
    tool = inside(rootfs, layout.TOOLS)
    environment = {
        **os.environ,
        **{name: str(inside(rootfs, value)) for name, value in layout.ENVIRONMENT.items()},
        "HOLOSCAN_EXPORT_PATH": str(tmp_path),
    }
    shown = subprocess.run([tool, "show"], env=environment, capture_output=True, text=True, check=True).stdout
    assert '"workingDirectory": "/var/holoscan"' in shown
    assert '"modelRoot": "/opt/holoscan/models"' in shown

    (tmp_path / "config").mkdir()
    subprocess.run([tool], env=environment, check=True)
    assert {path.name for path in (tmp_path / "config").iterdir()} == {"app.yaml", "app.json", "pkg.json"}
    assert not (tmp_path / "app").exists(), "only what is asked for"

    (tmp_path / "config").rename(tmp_path / "seen")
    subprocess.run([tool], env=environment, check=True)
    assert (tmp_path / "app" / "apps" / "run.py").is_file()
    assert (tmp_path / "models" / app).is_dir()
    assert (tmp_path / "docs" / app / "README.md").is_file()


@pytest.mark.parametrize("app", APPS)
def test_a_changed_model_is_not_packaged(app: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / app
    shutil.copytree(app_folder(app), folder)
    weights = folder / "model" / app_manifest(app).model.files[0].path
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    monkeypatch.setattr(context, "app_folder", lambda name: folder)
    with pytest.raises(PackageError, match=weights.name):
        write_context(app, tmp_path / "context")
    assert not (tmp_path / "context").exists()


@pytest.mark.parametrize("part", ["app.py", "__main__.py", "README.md"])
def test_an_app_that_is_not_whole_is_not_packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    folder = tmp_path / APP
    shutil.copytree(app_folder(APP), folder)
    (folder / part).unlink()
    monkeypatch.setattr(context, "app_folder", lambda name: folder)
    with pytest.raises(PackageError, match=f"{part} is absent"):
        write_context(APP, tmp_path / "context")
    assert not (tmp_path / "context").exists()


def test_the_command_writes_the_context_once(gantry: Gantry, tmp_path: Path) -> None:
    result = gantry("apps", "package", APP, "--output", tmp_path / "context")
    assert result.exit_code == 0, result.stderr
    assert f"build --tag {APP}:" in result.stdout
    again = gantry("apps", "package", APP, "--output", tmp_path / "context")
    assert again.exit_code == 1
    assert "is not an empty folder" in again.stderr
