from __future__ import annotations

import re
import subprocess
import tracemalloc
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.waveforms.numpy_handler import multiplex_array

from operators.read.study import Instance
from operators.read.waveform import read_waveform
from operators.read.waveforms.values import physical_samples, stored_samples
from operators.refused import Reason, Refused
from phantoms.waveforms import RECORDERS, Channel, Group, Note
from phantoms.waveforms.wfdb import read_record
from tests.operators.read.recordings import LEAD_II, STARTED, dataset, make_study, opened, ramp, written
from tests.peers import dcmtk, real_data

RANGES = {
    (8, "SB"): (-128, 127),
    (8, "UB"): (0, 255),
    (8, "MB"): (0, 255),
    (8, "AB"): (0, 255),
    (16, "SS"): (-(2**15), 2**15 - 1),
    (16, "US"): (0, 2**16 - 1),
    (32, "SL"): (-(2**31), 2**31 - 1),
    (32, "UL"): (0, 2**32 - 1),
    (64, "SV"): (-(2**63), 2**63 - 1),
    (64, "UV"): (0, 2**64 - 1),
}


def physical_truth(channel: Channel) -> NDArray[np.float64]:
    assert channel.sensitivity is not None
    scale = channel.sensitivity * (channel.correction or 1.0)
    return channel.stored.astype(np.float64) * scale + (channel.baseline or 0.0)


def read_all(instance: Instance) -> list[NDArray[np.generic]]:
    return [stored_samples(group) for group in read_waveform(instance).groups]


def refusal(instance: Instance) -> Refused:
    with pytest.raises(Refused) as refused:
        read_all(instance)
    return refused.value


@pytest.mark.parametrize("name", RECORDERS)
def test_every_sop_class_is_read_as_recorded(name: str, tmp_path: Path) -> None:
    recorder = RECORDERS[name]
    instance = written(recorder.instance(make_study()), tmp_path)
    waveform = read_waveform(instance)
    groups = recorder.record(2.0)
    assert instance.sop_class_uid.name == name
    assert len(waveform.groups) == len(groups)
    second_reader = dcmread(instance.path)
    for index, (read, truth) in enumerate(zip(waveform.groups, groups, strict=True)):
        assert read.sampling_frequency == truth.sampling_frequency
        assert read.duration == pytest.approx(len(truth.channels[0].stored) / truth.sampling_frequency)
        assert read.originality == truth.originality
        assert [channel.source and channel.source.value for channel in read.channels] == [
            channel.source[0] for channel in truth.channels
        ]
        np.testing.assert_array_equal(stored_samples(read), [channel.stored for channel in truth.channels])
        np.testing.assert_array_equal(stored_samples(read).T, multiplex_array(second_reader, index))
        if truth.channels[0].sensitivity is None:
            with pytest.raises(Refused) as refused:
                physical_samples(read)
            assert refused.value.reason is Reason.MISSING_SENSITIVITY
            continue
        physical = physical_samples(read)
        assert [channel.unit and channel.unit.value for channel in read.channels] == [
            channel.unit and channel.unit[0] for channel in truth.channels
        ]
        np.testing.assert_allclose(physical, [physical_truth(channel) for channel in truth.channels], rtol=1e-13)
        np.testing.assert_allclose(physical.T, multiplex_array(second_reader, index, as_raw=False), rtol=1e-13)


def test_pydicoms_own_electrocardiogram() -> None:
    path = Path(str(get_testdata_file("waveform_ecg.dcm")))
    waveform = read_waveform(opened(path))
    second_reader = dcmread(path)
    assert [group.label for group in waveform.groups] == ["RHYTHM", "MEDIAN BEAT"]
    assert [group.sample_count for group in waveform.groups] == [10000, 1200]
    for index, group in enumerate(waveform.groups):
        np.testing.assert_array_equal(physical_samples(group).T, multiplex_array(second_reader, index, as_raw=False))
    first = waveform.groups[0].channels[0]
    assert first.name == "Lead I (Einthoven)"
    assert first.unit is not None
    assert first.unit.value == "uV"
    assert (first.filters.low, first.filters.high) == (0.05, 300.0)
    assert waveform.annotations[0].text == "RITMO SINUSALE"
    assert waveform.annotations[0].channels == ((0, None),)
    assert waveform.annotations[2].name is not None
    assert (waveform.annotations[2].name.meaning, waveform.annotations[2].number) == ("RR Interval", 982.0)


@pytest.mark.peer
@pytest.mark.parametrize("options", [["+te", "+e"], ["+te", "-e"], ["+ti"], ["+ti", "-e"], ["+tb"], ["+td"]])
@pytest.mark.parametrize("name", ["12-lead ECG Waveform Storage", "Basic Voice Audio Waveform Storage"])
def test_every_transfer_syntax_holds_the_same_samples(name: str, options: list[str], tmp_path: Path) -> None:
    original = written(RECORDERS[name].instance(make_study(), seconds=0.33), tmp_path)
    converted = tmp_path / "converted.dcm"
    subprocess.run([dcmtk("dcmconv"), *options, str(original.path), str(converted)], check=True)
    instance = opened(converted)
    for before, after in zip(read_waveform(original).groups, read_waveform(instance).groups, strict=True):
        np.testing.assert_array_equal(stored_samples(before), stored_samples(after))
        np.testing.assert_array_equal(stored_samples(before, [0], 3, 12), stored_samples(after, [0], 3, 12))
        assert before.channels == after.channels


@pytest.mark.peer
def test_dcmdump_shows_the_same_words(tmp_path: Path) -> None:
    instance = written(dataset(ramp(20, 2, baseline=1.0)), tmp_path)
    dump = subprocess.run(
        [dcmtk("dcmdump"), "+L", "+P", "5400,1010", str(instance.path)], capture_output=True, text=True, check=True
    )
    match = re.search(r"OW ([0-9a-f\\]+)", dump.stdout)
    assert match is not None
    words = np.array([int(word, 16) for word in match[1].split("\\")]).reshape(20, 2)
    np.testing.assert_array_equal(stored_samples(read_waveform(instance).groups[0]), words.T)


@pytest.mark.parametrize(("bits", "interpretation"), RANGES)
def test_every_sample_interpretation(bits: int, interpretation: str, tmp_path: Path) -> None:
    lowest, highest = RANGES[bits, interpretation]
    values = np.array([lowest, highest, (lowest + highest) // 2, lowest + 1, highest - 1], object)
    stored = values.astype(np.uint64 if interpretation == "UV" else np.int64)
    group = Group((Channel(stored, LEAD_II), Channel(stored[::-1], LEAD_II)), 100.0, bits, interpretation)
    instance = written(dataset(group), tmp_path)
    (read,) = read_waveform(instance).groups
    found = stored_samples(read)
    if interpretation in ("MB", "AB"):
        np.testing.assert_array_equal(found[0], g711(bytes(stored.tolist()), interpretation))
    else:
        assert [int(value) for value in found[0]] == [int(value) for value in values]
        np.testing.assert_array_equal(found[1], found[0][::-1])


@pytest.mark.parametrize("interpretation", ["MB", "AB"])
def test_companded_codes_are_those_of_g711(interpretation: str, tmp_path: Path) -> None:
    codes = np.arange(256)
    group = Group((Channel(codes, LEAD_II, sensitivity=0.5),), 8000.0, 8, interpretation)
    (read,) = read_waveform(written(dataset(group), tmp_path)).groups
    truth = g711(bytes(range(256)), interpretation)
    np.testing.assert_array_equal(stored_samples(read)[0], truth)
    np.testing.assert_array_equal(physical_samples(read)[0], 0.5 * truth)


def g711(codes: bytes, interpretation: str) -> NDArray[np.int16]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        audioop = pytest.importorskip("audioop")
    # The standard library gives 16 bits, G.711 itself 14 (mu-law) and 13 (A-law): the low ones are zero.
    expand, zeros = (audioop.ulaw2lin, 4) if interpretation == "MB" else (audioop.alaw2lin, 8)
    return np.frombuffer(expand(codes, 2), np.int16) // zeros


@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_any_group_is_read_as_written(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    (bits, interpretation), (lowest, highest) = data.draw(
        st.sampled_from([(key, limits) for key, limits in RANGES.items() if key[1] not in ("MB", "AB", "UV")])
    )
    channels, samples = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 9))
    numbers = st.floats(-1e4, 1e4).filter(lambda value: abs(value) > 1e-3)
    values = [
        data.draw(st.lists(st.integers(lowest, highest), min_size=samples, max_size=samples)) for _ in range(channels)
    ]
    group = Group(
        tuple(
            Channel(
                np.array(row),
                LEAD_II,
                sensitivity=data.draw(numbers),
                correction=data.draw(numbers),
                baseline=data.draw(numbers),
            )
            for row in values
        ),
        data.draw(st.floats(0.5, 1e5)),
        bits,
        interpretation,
    )
    instance = written(dataset(group), tmp_path_factory.mktemp("group"))
    (read,) = read_waveform(instance).groups
    first = data.draw(st.integers(0, samples))
    last = data.draw(st.integers(first, samples))
    chosen = data.draw(st.lists(st.integers(0, channels - 1), max_size=4))
    expected = np.array([values[index][first:last] for index in chosen], np.int64).reshape(len(chosen), last - first)
    np.testing.assert_array_equal(stored_samples(read, chosen, first, last), expected)
    scale = np.array([[channel.scale or 0.0, channel.baseline] for channel in read.channels])[chosen].reshape(-1, 2)
    np.testing.assert_allclose(
        physical_samples(read, chosen, first, last), expected * scale[:, :1] + scale[:, 1:], rtol=1e-12, atol=1e-9
    )
    if bits < 64:
        second = multiplex_array(dcmread(instance.path), 0, as_raw=False)
        np.testing.assert_allclose(physical_samples(read).T, second, rtol=1e-9, atol=1e-6)


def test_times_hold_offset_and_skew(tmp_path: Path) -> None:
    stored = np.arange(10)
    channels = (
        Channel(stored, LEAD_II, sample_skew=0.5),
        Channel(stored, LEAD_II, time_skew=0.003),
        Channel(stored, LEAD_II, sample_skew=0.0, offset=-0.1),
    )
    group = Group(channels, 250.0, time_offset=1500.0, trigger_time_offset=20.0)
    (read,) = read_waveform(written(dataset(group), tmp_path)).groups
    assert (read.time_offset, read.trigger_time_offset) == (1.5, 0.02)
    assert [read.start(channel) for channel in range(3)] == pytest.approx([1.502, 1.503, 1.4])
    np.testing.assert_allclose(read.times(0, 4, 7), 1.502 + np.arange(4, 7) / 250)
    assert len(read.times(1)) == 10


def test_the_acquisition_has_its_time_zone(tmp_path: Path) -> None:
    waveform = read_waveform(written(dataset(ramp()), tmp_path))
    assert waveform.acquired == STARTED
    assert waveform.is_time_synchronized is False
    header = dataset(ramp())
    header.AcquisitionDateTime = "20260105"
    assert read_waveform(written(header, tmp_path)).acquired is None


def test_padding_is_no_value(tmp_path: Path) -> None:
    stored = np.arange(8)
    stored[[0, 5]] = -(2**15)
    group = Group((Channel(stored, LEAD_II, sensitivity=0.1, bits_stored=12),), 100.0, padding=-(2**15))
    (read,) = read_waveform(written(dataset(group), tmp_path)).groups
    assert read.padding == -(2**15)
    assert np.flatnonzero(np.isnan(physical_samples(read)[0])).tolist() == [0, 5]
    np.testing.assert_array_equal(stored_samples(read)[0], stored)


def test_annotations_point_at_samples(tmp_path: Path) -> None:
    notes = (
        Note((1, 2), name=("2:7172", "MDC", "R peak"), temporal_range="POINT", samples=(1, 31), group_number=1),
        Note((1, 0), text="Sinus rhythm"),
        Note((1, 1, 1, 3), name=("8867-4", "LN", "Heart rate"), number=72.0, unit=("/min", "UCUM", "per minute")),
    )
    peak, rhythm, rate = read_waveform(written(dataset(ramp(), notes=notes), tmp_path)).annotations
    assert peak.channels == ((0, 1),)
    assert (peak.samples, peak.temporal_range) == ((0, 30), "POINT")
    assert (rhythm.text, rhythm.channels) == ("Sinus rhythm", ((0, None),))
    assert rate.channels == ((0, 0), (0, 2))
    assert rate.unit is not None
    assert (rate.number, rate.unit.value) == (72.0, "/min")


def test_one_channel_of_a_long_record_needs_the_memory_of_one_channel(tmp_path: Path) -> None:
    samples = 1_500_000
    rows = np.random.default_rng(0).integers(-2000, 2000, (12, samples), dtype=np.int16)
    instance = written(dataset(Group(tuple(Channel(row, LEAD_II) for row in rows), 1000.0)), tmp_path)
    path, meta, header = instance.path, instance.file_meta, instance.header
    del header.WaveformSequence
    instance = Instance(path, header, meta)
    tracemalloc.start()
    try:
        (group,) = read_waveform(instance).groups
        one = stored_samples(group, [7])
        some = physical_samples(group, [3], 700_000, 700_500)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(one[0], rows[7])
    np.testing.assert_array_equal(some[0], rows[3, 700_000:700_500])
    # The file holds 36 MB, the channel 3 MB; a piece of the file is 4 MiB.
    assert peak < one.nbytes + 3 * (1 << 22)


def test_real_electrocardiograms_are_the_checksums_of_their_records(tmp_path: Path) -> None:
    for name, channels in (("100", 2), ("a103l", 3), ("s0010_re", 15)):
        record = read_record(real_data("ecg") / f"{name}.hea")
        (read,) = read_waveform(written(dataset(record.group), tmp_path)).groups
        assert len(read.channels) == channels
        for index, signal in enumerate(record.signals):
            (stored,) = stored_samples(read, [index]).astype(np.int64)
            assert stored[0] == signal.first
            assert (int(stored.sum()) - signal.checksum) % 65536 == 0
            (physical,) = physical_samples(read, [index], 0, 5000)
            truth = (signal.stored[:5000] - signal.baseline) / signal.gain
            np.testing.assert_allclose(physical, truth, rtol=1e-9, atol=1e-9)
            assert read.channels[index].name == signal.name


def test_an_image_is_no_waveform(tmp_path: Path) -> None:
    header = dataset(ramp())
    del header.WaveformSequence
    assert refusal(written(header, tmp_path)).reason is Reason.UNSUPPORTED_WAVEFORM
    image = opened(Path(str(get_testdata_file("CT_small.dcm"))))
    assert refusal(image).reason is Reason.UNSUPPORTED_WAVEFORM


@pytest.mark.parametrize(
    ("keyword", "value", "words"),
    [
        ("WaveformSampleInterpretation", "XX", "'XX'"),
        ("WaveformSampleInterpretation", "SL", "16 bits of the sample interpretation 'SL'"),
        ("WaveformBitsAllocated", 12, "12 bits"),
        ("SamplingFrequency", "0", "sampling frequency"),
        ("SamplingFrequency", None, "sampling frequency"),
        ("NumberOfWaveformChannels", 4, "3 definitions of 4 channels"),
        ("NumberOfWaveformSamples", 0, "of 0 samples"),
        ("ChannelDefinitionSequence", None, "0 definitions"),
        ("WaveformData", None, "no Waveform Data"),
    ],
)
def test_a_group_that_contradicts_itself_is_refused(keyword: str, value: object, words: str, tmp_path: Path) -> None:
    header = dataset(ramp())
    if value is None:
        delattr(header.WaveformSequence[0], keyword)
    else:
        setattr(header.WaveformSequence[0], keyword, value)
    refused = refusal(written(header, tmp_path))
    assert refused.reason is Reason.UNSUPPORTED_WAVEFORM
    assert words in refused.detail


def test_samples_that_are_not_there_are_missed(tmp_path: Path) -> None:
    header = dataset(ramp(50))
    header.WaveformSequence[0].NumberOfWaveformSamples = 51
    refused = refusal(written(header, tmp_path))
    assert refused.reason is Reason.TRUNCATED_WAVEFORM_DATA
    assert "holds 300 bytes of waveform data, its header announces 306" in refused.detail


def test_a_cut_file_is_unreadable_or_refused(tmp_path: Path) -> None:
    whole = written(RECORDERS["General ECG Waveform Storage"].instance(make_study(), seconds=0.1), tmp_path)
    content = whole.path.read_bytes()
    path = tmp_path / "cut.dcm"
    for length in range(len(content) - 1, 0, -37):
        path.write_bytes(content[:length])
        with pytest.raises(Refused) as refused:
            read_all(opened(path))
        assert refused.value.reason in (
            Reason.NO_READABLE_INSTANCE,
            Reason.TRUNCATED_WAVEFORM_DATA,
            Reason.UNSUPPORTED_WAVEFORM,
        )


def test_a_file_that_shrinks_after_its_header_was_read(tmp_path: Path) -> None:
    instance = written(dataset(ramp()), tmp_path)
    (group,) = read_waveform(instance).groups
    instance.path.write_bytes(instance.path.read_bytes()[:-40])
    with pytest.raises(Refused) as refused:
        stored_samples(group)
    assert refused.value.reason is Reason.TRUNCATED_WAVEFORM_DATA
    assert stored_samples(group, [0], 0, 10).tolist() == [list(range(10))]


def test_a_sign_that_was_not_extended_is_refused(tmp_path: Path) -> None:
    stored = np.array([0, 5, 4095])
    group = Group((Channel(stored, LEAD_II, bits_stored=12),), 100.0)
    refused = refusal(written(dataset(group), tmp_path))
    assert refused.reason is Reason.UNSUPPORTED_WAVEFORM
    assert "4095 in 12 bits stored" in refused.detail
    unsigned = replace(group, interpretation="US")
    (read,) = read_waveform(written(dataset(unsigned), tmp_path)).groups
    np.testing.assert_array_equal(stored_samples(read)[0], stored)


@pytest.mark.parametrize("absent", ["ChannelSensitivity", "ChannelSensitivityUnitsSequence"])
def test_a_channel_without_units_is_refused_only_where_units_are_asked_for(absent: str, tmp_path: Path) -> None:
    header = dataset(ramp())
    delattr(header.WaveformSequence[0].ChannelDefinitionSequence[1], absent)
    (group,) = read_waveform(written(header, tmp_path)).groups
    assert stored_samples(group).shape == (3, 50)
    with pytest.raises(Refused) as refused:
        physical_samples(group, [1])
    assert refused.value.reason is Reason.MISSING_SENSITIVITY
    assert physical_samples(group, [0, 2]).shape == (2, 50)


def test_a_channel_that_is_not_there_is_our_mistake(tmp_path: Path) -> None:
    (group,) = read_waveform(written(dataset(ramp()), tmp_path)).groups
    with pytest.raises(IndexError, match="channels 0 to 2"):
        stored_samples(group, [3])


@pytest.mark.parametrize("implicit", [False, True])
def test_a_data_set_without_preamble_is_read_all_the_same(implicit: bool, tmp_path: Path) -> None:
    header = dataset(ramp())
    del header.file_meta
    header.save_as(tmp_path / "bare.dcm", implicit_vr=implicit, little_endian=True, enforce_file_format=False)
    (group,) = read_waveform(opened(tmp_path / "bare.dcm")).groups
    np.testing.assert_array_equal(stored_samples(group, [1]), [100 + np.arange(50)])


def test_labels_in_japanese(tmp_path: Path) -> None:
    header = dataset(ramp(label="x"))
    header.SpecificCharacterSet = "ISO_IR 192"
    header.WaveformSequence[0].ChannelDefinitionSequence[1].ChannelLabel = "第二誘導"
    (group,) = read_waveform(written(header, tmp_path)).groups
    assert group.channels[1].name == "第二誘導"
