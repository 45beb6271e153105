"""Simulated cardiographs write valid objects whose samples are the simulated ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from phantoms.ecg import AMBULATORY, FIVE_ELECTRODES, GENERAL, RESTING, TWELVE_LEAD, Heart, simulate_ecg, write_ecg
from phantoms.ecg.dicom import Recorder
from phantoms.ecg.electrodes import LEADS
from tests.peers import dciodvfy_errors


@pytest.mark.parametrize(
    ("recorder", "frequency", "leads"),
    [(TWELVE_LEAD, 500, LEADS), (GENERAL, 250, FIVE_ELECTRODES), (AMBULATORY, 100, ("II", "V5"))],
)
def test_written_samples(tmp_path: Path, recorder: Recorder, frequency: int, leads: tuple[str, ...]) -> None:
    ecg = simulate_ecg(noise=RESTING, sampling_frequency=frequency)
    path = write_ecg(ecg, tmp_path / "ecg.dcm", seed=1, recorder=recorder, leads=leads)
    assert dciodvfy_errors(path) == []
    # pydicom's own decoder of waveforms: physical values in microvolt.
    read = dcmread(path).waveform_array(0).T
    assert read.shape == (len(leads), 10 * frequency)
    for name, row in zip(leads, read, strict=True):
        np.testing.assert_allclose(row / 1000, ecg.lead(name), atol=recorder.step / 2000 + 1e-9)


def test_recordings_that_differ_in_anything_have_another_uid(tmp_path: Path) -> None:
    ecg = simulate_ecg()
    others = [
        (simulate_ecg(seed=1), TWELVE_LEAD),
        (simulate_ecg(noise=RESTING), TWELVE_LEAD),
        (simulate_ecg(Heart(rate=71)), TWELVE_LEAD),
        (simulate_ecg(sampling_frequency=250), TWELVE_LEAD),
        (ecg, GENERAL),
        (ecg, TWELVE_LEAD),
    ]
    paths = [
        write_ecg(each, tmp_path / f"{number}.dcm", seed=1, recorder=recorder)
        for number, (each, recorder) in enumerate([*others, (ecg, TWELVE_LEAD)])
    ]
    uids = [dcmread(path).SOPInstanceUID for path in paths]
    assert len(set(uids)) == len(others), "the last two are the same"
    assert uids[-1] == uids[-2]
