"""docs/writing-an-app.md: its app is typed off the page and runs; what it lists is all that there is."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from pydicom import dcmread

from deploy.node.verify.references import KnownInstance
from deploy.node.verify.results import verify_results
from operators.manifest import OutputPart, load_manifest
from operators.outcome import Outcome
from operators.provenance import Analysis, input_digest
from operators.read.study import read_study
from operators.refused import Reason
from phantoms.sonography import Lesion, WrittenSonogram, write_breast_study
from tests.peers import dciodvfy_errors

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "writing-an-app.md").read_text(encoding="utf-8")
APP = "us_example"
FILES = dict(re.findall(rf"^`apps/{APP}/([\w.]+)`:\n\n```\w+\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))
STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
Command = Callable[..., str]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose only app is that of the page."""
    root = tmp_path_factory.mktemp("checkout")
    for name in ("operators", "phantoms", "deploy"):
        (root / name).symlink_to(ROOT / name)
    app = root / "apps" / APP
    app.mkdir(parents=True)
    for shared in (ROOT / "apps").glob("*.py"):
        shutil.copy(shared, root / "apps")
    for name, content in FILES.items():
        (app / name).write_text(content, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def gantry(checkout: Path) -> Command:
    """Run ``gantry`` there; the exit status has to be the one that is expected."""

    def call(*arguments: object, status: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "deploy.cli", *map(str, arguments)],
            cwd=checkout,
            env={**os.environ, "PYTHONPATH": str(checkout), "SOURCE_DATE_EPOCH": str(int(STARTED.timestamp()))},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    return call


@pytest.fixture(scope="module")
def trained(checkout: Path, gantry: Command) -> Path:
    """The app with its weights, whose digest is copied into the manifest as the page says."""
    told = gantry("train", APP)
    (digest,) = re.findall(r'sha256: "(\w{64})"', told)
    manifest = checkout / "apps" / APP / "app.yaml"
    text = manifest.read_text(encoding="utf-8")
    assert text.count("0" * 64) == 1
    manifest.write_text(text.replace("0" * 64, digest), encoding="utf-8")
    return manifest


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[WrittenSonogram]]:
    folder = tmp_path_factory.mktemp("study")
    return folder, write_breast_study(folder, Lesion.MALIGNANT, seed=0)


@pytest.fixture(scope="module")
def results(trained: Path, study: tuple[Path, list[WrittenSonogram]], gantry: Command) -> Path:
    """The folder of results of the app's run on the study."""
    folder = study[0].with_name("results of the example")
    gantry("run", APP, study[0], folder, "--device", "cpu")
    return folder


def test_the_page_has_every_file_of_the_app() -> None:
    listed = re.findall(r"^    ([\w.]+\.\w+) .*step \d$", TEXT, re.MULTILINE)
    assert set(FILES) == {*listed, "__init__.py"}


def test_the_app_is_whole_and_can_be_packaged(trained: Path, gantry: Command, tmp_path: Path) -> None:
    assert "manifest valid, 1 model file(s) unchanged" in gantry("apps", "check", APP)
    gantry("apps", "package", APP, "--output", tmp_path / "map")
    assert (tmp_path / "map" / "rootfs" / "opt" / "holoscan" / "app" / "apps" / APP / "__main__.py").is_file()


def test_the_app_outlines_what_is_dark(results: Path, study: tuple[Path, list[WrittenSonogram]]) -> None:
    outcome = Outcome.load(results)
    assert (outcome.status, outcome.summary) == ("analysed", "dark areas in 11 of 11 frames")
    for written, name in zip(study[1], ("outline", "outline_2", "outline_3"), strict=True):
        segmentation = dcmread(results / f"{name}.dcm")
        found = segmentation.pixel_array.astype(bool).reshape(written.masks.shape)
        overlap = 2 * np.sum(found & written.masks) / (found.sum() + written.masks.sum())
        assert overlap > 0.6


def test_its_results_may_leave_a_node(results: Path, trained: Path, study: tuple[Path, list[WrittenSonogram]]) -> None:
    manifest, received = load_manifest(trained), read_study(study[0])
    uids = [instance.sop_instance_uid for instance in received.instances]
    settings = dict(manifest.settings)
    parameters = {name: str(value) for name, value in settings.items()}
    analysis = Analysis(
        manifest.algorithm, input_digest(manifest.algorithm, settings, uids), STARTED.astimezone(), parameters
    )
    known = {
        str(each.header.SOPInstanceUID): KnownInstance(
            str(each.header.SOPClassUID), str(each.header.SeriesInstanceUID), str(each.header.StudyInstanceUID)
        )
        for each in received.instances
    }
    sources = [written.path for written in study[1]]
    outcome = Outcome.load(results)
    assert len(verify_results(results, outcome, analysis, sources=sources, known=known)) == 4
    assert [dciodvfy_errors(results / name) for name in outcome.files] == [[]] * 4


def test_every_name_that_the_page_imports_exists() -> None:
    for block in re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module and not node.module.startswith(f"apps.{APP}"):
                module = importlib.import_module(node.module)
                assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


def test_every_writer_stands_there_as_it_is_called() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| `(write_\w+\(.*\))` \|$", TEXT, re.MULTILINE))
    assert told.keys() == set(get_args(OutputPart.model_fields["object"].annotation))
    for kind, call in told.items():
        assert call == call_of(writer(kind)), kind


def test_every_reason_is_listed() -> None:
    listed = TEXT.split("\n## Refusing\n")[1].rsplit("\n\n", 1)[1]
    assert re.findall(r"`([A-Z_]+)`", listed) == [reason.name for reason in Reason]


def writer(kind: str) -> Callable[..., Any]:
    module = "encapsulated_document" if kind.startswith("encapsulated") else kind
    found: Callable[..., Any] = getattr(importlib.import_module(f"operators.write.{module}"), f"write_{kind}")
    return found


def call_of(function: Callable[..., Any]) -> str:
    parameters = inspect.signature(function).parameters.values()
    by_name = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
    by_place = [each.name for each in parameters if each.kind is not each.KEYWORD_ONLY]
    return f"{function.__name__}({', '.join([*by_place, *(['*', *by_name] if by_name else [])])})"
