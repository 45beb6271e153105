"""The storage SCU against a real SCP that accepts, warns, refuses, converts or is not there."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000Lossless

from deploy.node.send import DestinationError, Peer, SentInstance, send_files
from phantoms.mr_brain.dicom import BrainMRStudy
from tests.deploy.node.archive import Archive
from tests.peers import free_port


@pytest.fixture
def paths(brain_study: BrainMRStudy) -> tuple[Path, ...]:
    return brain_study.series["FLAIR"].paths[:4]


def peer(archive: Archive) -> Peer:
    return Peer("127.0.0.1", archive.port, "ARCHIVE", "SENDER")


def test_files_arrive_unchanged_over_one_association(paths: tuple[Path, ...]) -> None:
    progress: list[SentInstance] = []
    with Archive() as archive:
        sent = send_files(paths, peer(archive), on_progress=progress.append)
    assert [item.path for item in sent] == list(paths)
    assert all(item.delivered for item in sent)
    assert progress == list(sent)
    assert archive.associations == 1
    assert archive.stored == [dcmread(path) for path in paths]


def test_warning_counts_as_delivered_and_is_kept(paths: tuple[Path, ...]) -> None:
    with Archive(answer=lambda _: 0xB000) as archive:
        (sent,) = send_files(paths[:1], peer(archive))
    assert sent.delivered
    assert str(sent) == "B000 Coercion of Data Elements"


def test_refused_instance_does_not_stop_the_others(paths: tuple[Path, ...]) -> None:
    bad = dcmread(paths[1]).SOPInstanceUID
    with Archive(answer=lambda dataset: 0xA700 if dataset.SOPInstanceUID == bad else 0) as archive:
        sent = send_files(paths, peer(archive))
    assert [item.delivered for item in sent] == [True, False, True, True]
    assert str(sent[1]) == "A700 Refused: Out of Resources"


def test_explicit_vr_is_converted_for_a_peer_that_only_takes_implicit(paths: tuple[Path, ...]) -> None:
    assert dcmread(paths[0]).file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    with Archive(transfer_syntaxes=[ImplicitVRLittleEndian]) as archive:
        (sent,) = send_files(paths[:1], peer(archive))
    assert sent.delivered
    (stored,) = archive.stored
    assert stored.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian
    assert stored.PixelData == dcmread(paths[0]).PixelData


def test_transfer_syntax_that_the_peer_does_not_take_is_told(paths: tuple[Path, ...], tmp_path: Path) -> None:
    dataset = dcmread(paths[0])
    dataset.compress(JPEG2000Lossless)
    dataset.save_as(tmp_path / "compressed.dcm")
    with Archive(transfer_syntaxes=[ExplicitVRLittleEndian]) as archive:
        refused, sent = send_files([tmp_path / "compressed.dcm", paths[1]], peer(archive))
    assert sent.delivered
    assert "does not accept MR Image Storage in JPEG 2000" in refused.meaning
    assert refused.status is None


def test_file_that_is_not_dicom_is_told_and_does_not_stop_the_others(paths: tuple[Path, ...], tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("not DICOM")
    with Archive() as archive:
        bad, absent, good = send_files([tmp_path / "note.txt", tmp_path / "absent.dcm", paths[0]], peer(archive))
    assert good.delivered
    assert not bad.delivered
    assert "cannot be read" in bad.meaning
    assert "No such file" in absent.meaning


def test_peer_that_is_not_there_is_an_error(paths: tuple[Path, ...]) -> None:
    with pytest.raises(DestinationError, match="cannot be reached"):
        send_files(paths, Peer("127.0.0.1", free_port(), "ARCHIVE"))


def test_a_kind_that_the_peer_does_not_accept_is_not_sent_and_stops_no_other(
    paths: tuple[Path, ...], tmp_path: Path
) -> None:
    dataset = dcmread(paths[0])
    dataset.compress(JPEG2000Lossless)
    dataset.save_as(tmp_path / "compressed.dcm")
    with Archive(transfer_syntaxes=[ExplicitVRLittleEndian]) as archive:
        # Alone, in an association without anything that is accepted, as beside others.
        (alone,) = send_files([tmp_path / "compressed.dcm"], peer(archive))
        beside, other = send_files([tmp_path / "compressed.dcm", paths[1]], peer(archive))
    for sent in (alone, beside):
        assert sent.not_accepted
        assert not sent.delivered
        assert (
            sent.meaning == "the peer does not accept MR Image Storage in JPEG 2000 Image Compression (Lossless Only)"
        )
    assert other.delivered


def test_association_that_breaks_tells_what_arrived_before(paths: tuple[Path, ...]) -> None:
    progress: list[SentInstance] = []
    archive = Archive()

    def stop_after_two(_: object) -> int:
        if len(archive.stored) == 2:
            archive.abort()
        return 0

    archive.answer = stop_after_two
    with archive, pytest.raises(DestinationError):
        send_files(paths, peer(archive), on_progress=progress.append)
    assert [item.path for item in progress] == list(paths[:2])


def test_host_without_an_address_is_a_destination_that_cannot_be_reached(paths: tuple[Path, ...]) -> None:
    # The domain .invalid never exists (RFC 2606).
    with pytest.raises(DestinationError, match=r"PACS at pacs\.invalid:104 cannot be reached: "):
        send_files(paths[:1], Peer("pacs.invalid", 104, "PACS"))


def test_damaged_file_does_not_stop_the_others(paths: tuple[Path, ...], tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.dcm"
    content = bytearray(paths[0].read_bytes())
    content[132:160] = b"\xff" * 28
    damaged.write_bytes(content)
    with Archive() as archive:
        sent = send_files((damaged, paths[1]), peer(archive))
    assert {item.path: item.delivered for item in sent} == {damaged: False, paths[1]: True}
    assert len(archive.stored) == 1
