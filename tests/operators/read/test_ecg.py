"""Leads from waveform objects of every kind: in mV, by their standard names, or refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset

from operators.read.ecg import read_newest_ecg
from operators.read.study import Series, read_study
from operators.refused import Reason, Refused
from phantoms.ecg import AMBULATORY, FIVE_ELECTRODES, GENERAL, TWELVE_LEAD, simulate_ecg, write_ecg
from phantoms.ecg.dicom import Recorder
from phantoms.ecg.electrodes import LEADS

FREQUENCY = 250


def series_of(path: Path) -> Series:
    (series,) = read_study(path.parent).series
    return series


def written(folder: Path, leads: tuple[str, ...] = LEADS) -> tuple[Path, FileDataset]:
    ecg = simulate_ecg(sampling_frequency=FREQUENCY)
    path = write_ecg(ecg, folder / "ecg.dcm", seed=2, leads=leads)
    return path, dcmread(path)


def channels_of(dataset: Dataset) -> list[Dataset]:
    return list(dataset.WaveformSequence[0].ChannelDefinitionSequence)


def samples_of(dataset: Dataset) -> np.ndarray:
    group = dataset.WaveformSequence[0]
    return np.frombuffer(group.WaveformData, np.int16).reshape(-1, group.NumberOfWaveformChannels).copy()


@pytest.mark.parametrize(
    ("recorder", "leads"), [(TWELVE_LEAD, LEADS), (GENERAL, FIVE_ELECTRODES), (AMBULATORY, ("II", "V5"))]
)
def test_every_kind_of_recorder(tmp_path: Path, recorder: Recorder, leads: tuple[str, ...]) -> None:
    ecg = simulate_ecg(sampling_frequency=FREQUENCY)
    path = write_ecg(ecg, tmp_path / "ecg.dcm", seed=1, recorder=recorder, leads=leads)
    recording = read_newest_ecg(series_of(path)).recording
    assert recording.leads.names == leads
    assert recording.channels == {name: number for number, name in enumerate(leads, start=1)}
    for name in leads:
        found = recording.leads.lead(name)
        assert found is not None
        assert np.abs(found - ecg.lead(name)).max() <= recorder.step / 2000 + 1e-9


def test_the_newest_of_several_is_read(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        ecg = simulate_ecg(seed=number, sampling_frequency=FREQUENCY)
        write_ecg(ecg, tmp_path / f"{number}.dcm", seed=2, instance_number=number)
    read = read_newest_ecg(series_of(tmp_path / "1.dcm"))
    assert read.header.InstanceNumber == 3
    assert read.others == 2


def test_leads_are_told_by_label_where_there_is_no_code(tmp_path: Path) -> None:
    path, dataset = written(tmp_path)
    for channel in channels_of(dataset):
        label = channel.ChannelLabel
        channel.ChannelSourceSequence[0].CodeValue = "X"
        channel.ChannelSourceSequence[0].CodingSchemeDesignator = "99OTHER"
        channel.ChannelSourceSequence[0].CodeMeaning = "something"
        channel.ChannelLabel = f"Lead {label}"
    dataset.save_as(path)
    assert read_newest_ecg(series_of(path)).recording.leads.names == LEADS


def test_a_flat_lead_is_named_and_left_out(tmp_path: Path) -> None:
    path, dataset = written(tmp_path)
    samples = samples_of(dataset)
    samples[:, LEADS.index("V2")] = 7
    dataset.WaveformSequence[0].WaveformData = samples.tobytes()
    dataset.save_as(path)
    recording = read_newest_ecg(series_of(path)).recording
    assert recording.absent == {"V2": "flat"}
    assert "V2" not in recording.leads.names
    assert recording.channels["V3"] == 9, "channels keep their numbers"


def test_padding_at_the_start_is_left_out_and_positions_count_from_the_group(tmp_path: Path) -> None:
    path, dataset = written(tmp_path)
    group = dataset.WaveformSequence[0]
    samples = samples_of(dataset)
    samples[:100] = -32768
    group.add_new(0x5400100A, "OW", np.int16(-32768).tobytes())
    group.WaveformData = samples.tobytes()
    dataset.save_as(path)
    recording = read_newest_ecg(series_of(path)).recording
    assert recording.first_sample == 100
    assert recording.leads.signal.shape[1] == 10 * FREQUENCY - 100
    assert recording.sample(0.0) == 101


def test_only_flat_leads_are_refused(tmp_path: Path) -> None:
    path, dataset = written(tmp_path)
    group = dataset.WaveformSequence[0]
    group.WaveformData = bytes(len(group.WaveformData))
    dataset.save_as(path)
    with pytest.raises(Refused) as refused:
        read_newest_ecg(series_of(path))
    assert refused.value.reason is Reason.SIGNAL_QUALITY


def test_what_is_no_lead_is_refused(tmp_path: Path) -> None:
    path, dataset = written(tmp_path, ("I",))
    (channel,) = channels_of(dataset)
    channel.ChannelLabel = "RESP"
    channel.ChannelSourceSequence[0].CodeValue = "X"
    channel.ChannelSourceSequence[0].CodeMeaning = "Respiration"
    dataset.save_as(path)
    with pytest.raises(Refused) as refused:
        read_newest_ecg(series_of(path))
    assert refused.value.reason is Reason.UNSUPPORTED_WAVEFORM


def test_units_that_are_no_volts_are_refused(tmp_path: Path) -> None:
    path, dataset = written(tmp_path)
    channels_of(dataset)[3].ChannelSensitivityUnitsSequence[0].CodeValue = "mm[Hg]"
    dataset.save_as(path)
    with pytest.raises(Refused, match=r"mm\[Hg\]") as refused:
        read_newest_ecg(series_of(path))
    assert refused.value.reason is Reason.UNSUPPORTED_WAVEFORM
