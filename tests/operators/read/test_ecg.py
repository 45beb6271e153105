"""Leads from waveform objects of every kind: in mV, by their standard names, or refused by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset

from operators.read.ecg import read_newest_ecg
from operators.read.study import Series, read_study
from operators.refused import Reason, Refused
from phantoms.ecg import (
    AMBULATORY,
    FIVE_ELECTRODES,
    GENERAL,
    TWELVE_LEAD,
    median_beat_group,
    rhythm_group,
    simulate_ecg,
    write_ecg,
    write_groups,
)
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
    assert recording.channels == {name: (1, number) for number, name in enumerate(leads, start=1)}
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
    assert recording.channels["V3"] == (1, 9), "channels keep their numbers"


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


def test_groups_recorded_at_once_are_read_together(tmp_path: Path) -> None:
    ecg = simulate_ecg(sampling_frequency=FREQUENCY)
    groups = [rhythm_group(ecg, GENERAL, LEADS[first : first + 3]) for first in range(0, 12, 3)]
    path = write_groups([median_beat_group(ecg), *groups], tmp_path / "ecg.dcm", seed=2, recorder=GENERAL)
    recording = read_newest_ecg(series_of(path)).recording
    assert recording.leads.names == LEADS
    assert recording.channels["V5"] == (5, 2)
    assert recording.other_groups == 0
    found = recording.leads.lead("V5")
    assert found is not None
    np.testing.assert_allclose(found, ecg.lead("V5"), atol=GENERAL.step / 2000 + 1e-9)


def test_of_groups_in_turn_the_longest_is_read_and_the_others_are_told(tmp_path: Path) -> None:
    ecg = simulate_ecg(sampling_frequency=FREQUENCY)
    turns = [rhythm_group(ecg, leads=LEADS[:3], seconds=5.0), rhythm_group(ecg, leads=LEADS[3:], start=5.0)]
    path = write_groups([*turns, rhythm_group(ecg, leads=("V1",))], tmp_path / "ecg.dcm", seed=2)
    read = read_newest_ecg(series_of(path))
    assert read.recording.leads.names == ("V1",)
    assert read.remarks == ("2 other parts of the recording not read",)


def test_a_lead_that_came_off_is_left_out_and_told(tmp_path: Path) -> None:
    path, dataset = written(tmp_path)
    samples = samples_of(dataset)
    samples[4 * FREQUENCY :, LEADS.index("II")] = -3
    dataset.WaveformSequence[0].WaveformData = samples.tobytes()
    dataset.save_as(path)
    read = read_newest_ecg(series_of(path))
    assert "II" not in read.recording.leads.names
    assert read.remarks == ("not used, no signal for 6.0 of 10.0 s: II",)


def test_a_pause_of_all_leads_at_once_ends_what_is_read(tmp_path: Path) -> None:
    path, dataset = written(tmp_path)
    samples = samples_of(dataset)
    samples[2 * FREQUENCY : 4 * FREQUENCY] = 0
    dataset.WaveformSequence[0].WaveformData = samples.tobytes()
    dataset.save_as(path)
    read = read_newest_ecg(series_of(path))
    assert read.remarks == ("only 6 s read: no lead had contact between these and 2 s more",)
    recording = read.recording
    assert recording.first_sample == pytest.approx(4 * FREQUENCY, abs=3)
    assert recording.leads.duration == pytest.approx(6.0, abs=0.02)
    assert not recording.absent


def test_of_a_day_the_first_half_hour_is_read(tmp_path: Path) -> None:
    ecg = simulate_ecg(sampling_frequency=100, seconds=20)
    leads = np.tile(ecg.leads, 100)
    path = write_ecg(replace(ecg, leads=leads), tmp_path / "ecg.dcm", seed=2, recorder=AMBULATORY, leads=("II",))
    read = read_newest_ecg(series_of(path))
    assert read.recording.leads.duration == 1800
    assert read.remarks == ("only the first 30 minutes read",)


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
