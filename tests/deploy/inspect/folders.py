"""Folders of everything that a study can hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from phantoms.frames.ultrasound import tissue, write_ultrasound
from phantoms.identity import save
from phantoms.volumes.common import study_of
from phantoms.volumes.enhanced_mr import write_enhanced_mr
from phantoms.volumes.single_frame import write_ct
from phantoms.waveforms import RECORDERS

AFFINE = np.array([[2.0, 0, 0, -16], [0, 3.0, 0, -24], [0, 0, 5.0, 7], [0, 0, 0, 1]])


def ct(folder: Path, slices: int = 7) -> list[Path]:
    """A CT of water in air."""
    stored = np.full((slices, 16, 16), 24, np.int16)
    stored[:, 4:12, 4:12] = 1024
    stored += np.random.default_rng(0).normal(0, 6, stored.shape).round().astype(np.int16)
    return list(write_ct(folder, stored, AFFINE).paths)


def diffusion(folder: Path) -> None:
    """Two b-values in one Enhanced MR object."""
    stored = np.random.default_rng(1).integers(50, 900, (2, 4, 16, 16)).astype(np.uint16)
    write_enhanced_mr(folder, stored, AFFINE, b_values=[0.0, 1000.0])


def ultrasound(folder: Path) -> None:
    """A clip with one calibrated region."""
    write_ultrasound(folder, rows=24, columns=32, frames=3, regions=[tissue((0, 0, 31, 23), 0.05)])


def electrocardiogram(folder: Path) -> None:
    """A 12-lead ECG."""
    recorder = RECORDERS["12-lead ECG Waveform Storage"]
    save(recorder.instance(study_of(1, "ECG"), series_number=40), folder / "ecg.dcm")


def junk(folder: Path) -> None:
    """Files that are no instances."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "empty.dcm").write_bytes(b"")
    (folder / "notes.txt").write_text("call Doctor Who")
    (folder / "dangling.dcm").symlink_to(folder / "nowhere")
    (folder / "cut.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\2\0\0\0UL\4\0")
