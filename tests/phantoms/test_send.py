from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian, MRImageStorage
from pynetdicom import AE, evt

from phantoms.__main__ import main
from phantoms.mr_brain import BrainMRStudy, simulate_brain_mr, write_brain_mr
from phantoms.send import SendError, send_files
from tests.waiting import until_it_listens

STORESCP = Path("/usr/bin/storescp")
Archive = Callable[..., int]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> BrainMRStudy:
    phantom = simulate_brain_mr(1, size="small")
    return write_brain_mr(phantom, tmp_path_factory.mktemp("study"), sequences=["FLAIR"])


@pytest.fixture
def received() -> list[Dataset]:
    return []


@pytest.fixture
def archive(received: list[Dataset]) -> Iterator[Archive]:
    """Start an SCP on a free port of the loopback interface; returns the port."""
    servers = []

    def start(
        *, status: int = 0x0000, title: str = "GANTRY", require_title: bool = False, sop_class: str = MRImageStorage
    ) -> int:
        def store(event: evt.Event) -> int:
            dataset = event.dataset
            dataset.file_meta = event.file_meta
            received.append(dataset)
            return status

        entity = AE(ae_title=title)
        entity.require_called_aet = require_title
        entity.add_supported_context(sop_class, ExplicitVRLittleEndian)
        server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, store)])
        servers.append(server)
        return int(server.socket.getsockname()[1])

    yield start
    for server in servers:
        server.shutdown()


def test_every_instance_arrives_unchanged(study: BrainMRStudy, archive: Archive, received: list[Dataset]) -> None:
    progress: list[tuple[int, int]] = []
    report = send_files(
        study.paths, "127.0.0.1", archive(), on_progress=lambda done, total: progress.append((done, total))
    )
    assert [instance.status for instance in report.instances] == [0] * len(study.paths)
    assert report.failed == ()
    assert [instance.sop_instance_uid for instance in report.instances] == list(study.series["FLAIR"].sop_instance_uids)
    assert progress == [(done, len(study.paths)) for done in range(1, len(study.paths) + 1)]
    for path, dataset in zip(study.paths, received, strict=True):
        assert dataset == dcmread(path)
        assert dataset.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian


def test_transfer_syntaxes_and_classes_each_get_a_context(
    study: BrainMRStudy, archive: Archive, tmp_path: Path, received: list[Dataset]
) -> None:
    implicit = dcmread(study.paths[0])
    implicit.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    implicit.save_as(tmp_path / "implicit.dcm", implicit_vr=True, little_endian=True, enforce_file_format=True)
    # This archive takes Explicit VR only: nothing is sent and nothing transcoded behind the caller's back.
    with pytest.raises(SendError, match="MR Image Storage in Implicit VR Little Endian"):
        send_files([study.paths[0], tmp_path / "implicit.dcm"], "127.0.0.1", archive())
    assert received == []


def test_a_refused_instance_is_in_the_report(study: BrainMRStudy, archive: Archive) -> None:
    report = send_files(study.paths[:2], "127.0.0.1", archive(status=0xA700))
    assert [instance.status for instance in report.failed] == [0xA700, 0xA700]


def test_a_warning_counts_as_stored(study: BrainMRStudy, archive: Archive) -> None:
    assert send_files(study.paths[:1], "127.0.0.1", archive(status=0xB000)).failed == ()


def test_a_wrong_title_is_said(study: BrainMRStudy, archive: Archive) -> None:
    port = archive(title="OTHER", require_title=True)
    with pytest.raises(SendError, match=r"GANTRY at 127.0.0.1:\d+ rejected the association: Called AE title"):
        send_files(study.paths, "127.0.0.1", port)


def test_an_unknown_class_is_said(study: BrainMRStudy, archive: Archive) -> None:
    with pytest.raises(SendError, match="MR Image Storage"):
        send_files(study.paths, "127.0.0.1", archive(sop_class=CTImageStorage))


def test_nobody_listens(study: BrainMRStudy) -> None:
    with pytest.raises(SendError, match="cannot be reached"):
        send_files(study.paths, "127.0.0.1", _free_port())


def test_nothing_to_send() -> None:
    with pytest.raises(ValueError, match="no file"):
        send_files([], "127.0.0.1", 104)


def test_command_line_simulates_writes_and_sends(
    tmp_path: Path, archive: Archive, received: list[Dataset], capsys: pytest.CaptureFixture[str]
) -> None:
    port = archive()
    written = ["brain-mr", str(tmp_path), "--size", "small", "--seed", "5", "--sequences", "FLAIR"]
    assert main([*written, "--send", f"127.0.0.1:{port}"]) == 0
    files = sorted(tmp_path.rglob("*.dcm"))
    assert len(received) == len(files) == 24
    assert "24 instances" in capsys.readouterr().out
    (tmp_path / "notes.txt").write_text("not DICOM", encoding="utf-8")
    assert main(["send", str(tmp_path), f"127.0.0.1:{port}"]) == 0
    assert len(received) == 48
    assert main(["send", str(tmp_path), f"127.0.0.1:{archive(status=0xA700)}"]) == 1
    assert "0xA700" in capsys.readouterr().err


def test_command_line_wants_a_port(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["send", str(tmp_path), "localhost"])
    assert "HOST:PORT" in capsys.readouterr().err


@pytest.mark.peer
@pytest.mark.skipif(not STORESCP.exists(), reason="storescp (DCMTK) is not installed")
def test_dcmtk_stores_what_was_sent(study: BrainMRStudy, tmp_path: Path) -> None:
    port = _free_port()
    command = [str(STORESCP), "--output-directory", str(tmp_path), "--aetitle", "GANTRY", str(port)]
    archive = subprocess.Popen(command)
    try:
        until_it_listens(port)
        assert send_files(study.paths, "127.0.0.1", port).failed == ()
    finally:
        archive.terminate()
        archive.wait(timeout=10)
    stored = {dcmread(path).SOPInstanceUID: dcmread(path) for path in tmp_path.iterdir()}
    for path in study.paths:
        sent = dcmread(path)
        assert stored[sent.SOPInstanceUID] == sent


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
