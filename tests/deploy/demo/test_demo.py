"""The demonstration: the whole way of one study, with the command as a user calls it."""

from __future__ import annotations

import inspect
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image
from pydicom import dcmread

from apps.mr_white_matter_lesions.training.studies import HELD_OUT_SEED, TRAINING_SEED, training_seeds
from deploy.cli.demo import demo
from deploy.demo.archive import running_storage_scp
from deploy.demo.echo import answers_echo
from deploy.demo.node import NodeError, running_node
from deploy.demo.run import APP
from tests.peers import dciodvfy_errors, free_port

COMMAND = (sys.executable, "-m", "deploy.cli", "demo", "--size", "small")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_one_study_goes_from_the_scanner_to_the_archive(tmp_path: Path) -> None:
    output = tmp_path / "demo"
    done = subprocess.run([*COMMAND, "--output", str(output)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"end of C-STORE → SR in the archive: \d+\.\d s", done.stdout)
    log = (output / "log.txt").read_text(encoding="utf-8")
    for kind in ("received", "ready", "selected", "running", "verifying", "delivering", "delivered"):
        assert f" {kind} " in log

    source = dcmread(next((output / "study").rglob("*.dcm")))
    results = {path.stem: dcmread(path) for path in (output / "results").glob("*.dcm")}
    assert {name: result.Modality for name, result in results.items()} == {
        "lesions": "SEG",
        "regions": "SEG",
        "report": "SR",
        "summary": "OT",
    }
    for result in results.values():
        for keyword in ("StudyInstanceUID", "PatientID", "PatientName", "AccessionNumber"):
            assert result[keyword].value == source[keyword].value
    with Image.open(output / "summary.png") as picture:
        assert picture.size == (results["summary"].Columns, results["summary"].Rows)


@pytest.mark.peer
def test_what_the_archive_holds_is_valid(tmp_path: Path) -> None:
    """Without Orthanc the small storage SCP is the archive: it must keep files whole."""
    from deploy.node.send import Peer, send_files
    from phantoms.mr_brain import simulate_brain_mr, write_brain_mr

    study = write_brain_mr(simulate_brain_mr(5, size="small"), tmp_path / "study", sequences=("FLAIR",))
    with running_storage_scp(tmp_path / "archive") as archive:
        send_files(study.paths, Peer(archive.host, archive.port, archive.ae_title))
        held = archive.instances(study.study_uid)
        assert archive.series_modalities(study.study_uid) == ["MR"]
        assert {item.sop_instance_uid for item in held} == set(study.series["FLAIR"].sop_instance_uids)
        fetched = tmp_path / "fetched.dcm"
        fetched.write_bytes(archive.fetch(held[0].key))
        assert dciodvfy_errors(fetched) == []
        original = next(path for path in study.paths if dcmread(path).SOPInstanceUID == held[0].sop_instance_uid)
        assert dcmread(fetched).PixelData == dcmread(original).PixelData


def test_a_node_that_does_not_start_is_an_error_with_its_log(tmp_path: Path) -> None:
    with running_storage_scp(tmp_path / "archive") as archive:
        with (
            pytest.raises(NodeError, match="there is no such app"),
            running_node(tmp_path, "mr_brain", archive, sender="MR_SCANNER"),
        ):
            pass
        assert answers_echo(archive.host, archive.port, archive.ae_title)


def test_no_network_has_learned_from_the_patient_of_the_demonstration() -> None:
    seed = inspect.signature(demo).parameters["seed"].default
    assert seed not in training_seeds(HELD_OUT_SEED - TRAINING_SEED)


def test_nobody_answers_at_a_silent_port() -> None:
    assert not answers_echo("127.0.0.1", free_port(), "ARCHIVE")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_demonstration_that_is_stopped_leaves_nothing_running(tmp_path: Path, number: signal.Signals) -> None:
    output = tmp_path / "demo"
    command = [*COMMAND, "--output", str(output)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if f"runs {APP}" in line:
                break
        process.send_signal(number)
        process.communicate()
    assert process.returncode != 0
    assert [line for line in command_lines() if str(output) in line] == []


def command_lines() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        # A process may end while this looks.
        with suppress(OSError):
            yield path.read_text(encoding="utf-8", errors="replace")
