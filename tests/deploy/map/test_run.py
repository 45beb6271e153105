"""The unpacked package runs by itself, and writes what the installed app writes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.map import layout
from operators.outcome import Outcome
from phantoms.ecg import RESTING, simulate_ecg, write_ecg
from phantoms.mr_brain import simulate_brain_mr, write_brain_mr
from tests.deploy.cli.conftest import Gantry
from tests.deploy.map.conftest import APP

EPOCH = "1767603600"


def write_study(app: str, folder: Path) -> None:
    """A study that the app analyses."""
    if app.startswith("ecg"):
        write_ecg(simulate_ecg(noise=RESTING), folder / "ecg.dcm", seed=11)
    else:
        write_brain_mr(simulate_brain_mr(11, size="small"), folder, sequences=("FLAIR",))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_unpacked_package_writes_the_same_bytes_as_gantry_run(
    rootfs: Path, app: str, gantry: Gantry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = tmp_path / "study"
    write_study(app, study)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", EPOCH)
    installed_run = gantry("run", app, study, tmp_path / "results", "--device", "cpu")
    assert installed_run.exit_code == 0, installed_run.stderr

    tree = tmp_path / "tree"
    shutil.copytree(rootfs, tree)
    inside = {name: str(tree / value.lstrip("/")) for name, value in layout.ENVIRONMENT.items()}
    shutil.copytree(study, inside["HOLOSCAN_INPUT_PATH"])
    packaged = {**os.environ, **inside, "GANTRY_DEVICE": "cpu"}
    workdir = inside["HOLOSCAN_WORKDIR"]
    if app == APP:
        where = subprocess.run(
            [sys.executable, "-c", "import apps.run, operators; print(apps.run.__file__, operators.__path__[0])"],
            cwd=workdir,
            env=packaged,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        assert all(Path(path).is_relative_to(inside["HOLOSCAN_APPLICATION"]) for path in where), "not from the checkout"
    subprocess.run([sys.executable, "-m", f"apps.{app}"], cwd=workdir, env=packaged, check=True)

    installed, unpacked = Outcome.load(tmp_path / "results"), Outcome.load(Path(inside["HOLOSCAN_OUTPUT_PATH"]))
    assert installed.status == "analysed"
    assert installed.model_copy(update={"seconds": {}}) == unpacked.model_copy(update={"seconds": {}})
    for name in installed.files:
        written = (Path(inside["HOLOSCAN_OUTPUT_PATH"]) / name).read_bytes()
        assert written == (tmp_path / "results" / name).read_bytes(), name
