from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from deploy.child import stop
from deploy.demo.archive import running_storage_scp
from phantoms.mr_brain import simulate_brain_mr, write_brain_mr
from tests.deploy.cli.conftest import Gantry
from tests.deploy.node.access.certificates import Authority
from tests.peers import dcmtk, free_port
from tests.waiting import until_it_listens


def test_every_dicom_file_of_a_folder_is_stored(gantry: Gantry, tmp_path: Path) -> None:
    study = write_brain_mr(simulate_brain_mr(3, size="small"), tmp_path / "study", sequences=("FLAIR",))
    (tmp_path / "study" / "notes.txt").write_text("not DICOM", encoding="utf-8")
    with running_storage_scp(tmp_path / "archive") as archive:
        peer = f"{archive.host}:{archive.port}"
        result = gantry("send", tmp_path / "study", peer, "--called-ae", "ARCHIVE")
        assert result.exit_code == 0, result.stderr
        assert f"{len(study.paths)} of {len(study.paths)} instances stored" in result.stdout
        held = {instance.sop_instance_uid for instance in archive.instances(study.study_uid)}
        assert held == set(study.series["FLAIR"].sop_instance_uids)

        rejected = gantry("send", tmp_path / "study", peer, "--called-ae", "OTHER")
        assert rejected.exit_code == 1
        assert "rejected the association" in rejected.stderr


def test_what_cannot_be_sent_is_said(gantry: Gantry, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "no DICOM file" in gantry("send", tmp_path / "empty", "127.0.0.1:104").stderr
    assert "is not HOST:PORT" in gantry("send", tmp_path, "127.0.0.1").stderr
    write_brain_mr(simulate_brain_mr(3, size="small"), tmp_path / "study", sequences=("FLAIR",))
    half = gantry("send", tmp_path / "study", "127.0.0.1:104", "--key", tmp_path / "key")
    assert "--certificate" in half.stderr
    assert "there is no folder" in gantry("send", tmp_path / "absent", "127.0.0.1:104").stderr


def test_a_silent_port_is_named(gantry: Gantry, tmp_path: Path) -> None:
    write_brain_mr(simulate_brain_mr(3, size="small"), tmp_path / "study", sequences=("FLAIR",))
    port = free_port()
    result = gantry("send", tmp_path / "study", f"127.0.0.1:{port}")
    assert result.exit_code == 1
    assert f"127.0.0.1:{port} cannot be reached" in result.stderr


@pytest.mark.peer
def test_a_folder_is_sent_over_tls(gantry: Gantry, tmp_path: Path) -> None:
    study = write_brain_mr(simulate_brain_mr(3, size="small"), tmp_path / "study", sequences=("FLAIR",))
    authority = Authority(tmp_path)
    # RSA: what DCMTK 3.6.7 negotiates.
    pacs, own = authority.issue("pacs", old_kind=True), authority.issue("own")
    (tmp_path / "stored").mkdir()
    port = free_port()
    options = ["+tls", str(pacs.key), str(pacs.certificate), "+cf", str(pacs.trusted), "-od", str(tmp_path / "stored")]
    process = subprocess.Popen([dcmtk("storescp"), *options, str(port)])
    try:
        until_it_listens(port)
        peer = (tmp_path / "study", f"127.0.0.1:{port}")
        files = ("--certificate", own.certificate, "--key", own.key, "--trusted", own.trusted)
        result = gantry("send", *peer, *files)
        assert result.exit_code == 0, result.stderr
        assert len(list((tmp_path / "stored").iterdir())) == len(study.paths)
        foreign = Authority(tmp_path, "elsewhere").path
        assert "certificate" in gantry("send", *peer, *files[:-1], foreign).stderr
    finally:
        stop(process, 10)
