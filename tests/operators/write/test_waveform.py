"""Derived waveforms of every SOP class: our reader and pydicom find the same values, marked as derived."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import (
    AmbulatoryECGWaveformStorage,
    CTImageStorage,
    General32bitECGWaveformStorage,
    GeneralECGWaveformStorage,
    RespiratoryWaveformStorage,
    RoutineScalpElectroencephalogramWaveformStorage,
    TwelveLeadECGWaveformStorage,
)

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.read.waveform import Waveform, read_waveform
from operators.read.waveforms.values import physical_samples
from operators.write.base.result import save
from operators.write.waveform import write_waveform
from operators.write.waveforms.derived import DerivedChannel, DerivedGroup, SourceChannel
from operators.write.waveforms.iods import WAVEFORM_IODS
from phantoms.waveforms import RECORDERS
from tests.operators.read.recordings import dataset, make_study, opened, ramp, written

OUTPUT = OutputPart(object="waveform", title="Filtered", series_number=9014)
MICROVOLT = Code("uV", "UCUM", "microvolt")

# Debian's dciodvfy is older than these IODs; their modules are those of the general ECG.
KNOWN_TO_THE_VALIDATOR = frozenset(
    {
        "12-lead ECG Waveform Storage",
        "General ECG Waveform Storage",
        "Ambulatory ECG Waveform Storage",
        "Hemodynamic Waveform Storage",
        "Cardiac Electrophysiology Waveform Storage",
        "Basic Voice Audio Waveform Storage",
    }
)


def derived(waveform: Waveform, place: int = 0, **changes: Any) -> DerivedGroup:
    """Half of what was recorded, the third sample missing; sounds without unit are a tone."""
    group = waveform.groups[place]
    if group.channels[0].unit is None:
        values = np.sin(np.arange(len(group.channels) * group.sample_count) / 9).reshape(len(group.channels), -1)
    else:
        values = physical_samples(group) / 2
    values[0, 2] = np.nan
    channels = tuple(
        DerivedChannel(
            row,
            Code(*channel.source[:3]) if channel.source else codes.MDC.LeadII,
            channel.unit,
            (SourceChannel(0, place, number),),
            "band pass",
            label=channel.label,
            low_filter=0.5,
            high_filter=40.0,
        )
        for number, (row, channel) in enumerate(zip(values, group.channels, strict=True))
    )
    return replace(DerivedGroup(channels, group.sampling_frequency, label="FILTERED"), **changes)


def recorded(folder: Path, name: str = "General ECG Waveform Storage") -> Waveform:
    return read_waveform(written(RECORDERS[name].instance(make_study(), seconds=1.0), folder, "source.dcm"))


def write(analysis: Analysis, sources: list[Waveform], *groups: DerivedGroup, **changes: Any) -> FileDataset:
    return write_waveform("filtered", OUTPUT, sources, groups, analysis, **changes)


def physical_by_pydicom(path: Path) -> NDArray[np.float64]:
    """(channel, sample) as pydicom reads it, with NaN for padding."""
    read = dcmread(path)
    (item,) = read.WaveformSequence
    values = np.array(read.waveform_array(0), dtype=np.float64).T
    if padding := item.get("WaveformPaddingValue"):
        form = {"SB": "<i1", "UB": "<u1", "SS": "<i2", "SL": "<i4"}[item.WaveformSampleInterpretation]
        stored = np.frombuffer(item.WaveformData, form)[: values.size].reshape(values.shape[::-1]).T
        values[stored == np.frombuffer(padding, form)[0]] = np.nan
    return values


@pytest.mark.parametrize("name", RECORDERS)
def test_every_sop_class(tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None], name: str) -> None:
    source = recorded(tmp_path, name)
    group = derived(source)
    (tmp_path / "result").mkdir()
    path = save(write(analysis, [source], group), tmp_path / "result")
    read = read_waveform(opened(path))
    assert read.instance.sop_class_uid == source.instance.sop_class_uid
    assert read.instance.header.Modality == source.instance.header.Modality
    assert read.acquired == source.acquired
    (found,) = read.groups
    assert (found.originality, found.label) == ("DERIVED", "FILTERED")
    assert found.sampling_frequency == group.sampling_frequency
    expected = np.array([channel.values for channel in group.channels])
    if group.channels[0].unit is None:
        steps = {8: 127, 16: 32767}[found.format.bits_allocated]
        np.testing.assert_allclose(
            (physical_by_pydicom(path) - (128 if found.format.bits_allocated == 8 else 0)) / steps,
            expected,
            atol=0.5 / steps * 1.0001,
        )
    else:
        bounds = np.array([[channel.sensitivity] for channel in found.channels], dtype=float) / 2
        for values in (physical_samples(found), physical_by_pydicom(path)):
            np.testing.assert_array_equal(np.isnan(values), np.isnan(expected))
            assert (np.nan_to_num(np.abs(values - expected)) <= bounds * (1 + 1e-6)).all()
    definitions = dcmread(path).WaveformSequence[0].ChannelDefinitionSequence
    for number, (channel, given) in enumerate(zip(found.channels, group.channels, strict=True), start=1):
        assert channel.source is not None
        assert (channel.source.value, channel.unit, channel.label) == (given.source.value, given.unit, given.label)
        assert (channel.filters.low, channel.filters.high) == (0.5, 40.0)
        assert channel.derivation.startswith("band pass")
        (origin,) = definitions[number - 1].SourceWaveformSequence
        assert origin.ReferencedSOPInstanceUID == source.instance.sop_instance_uid
        assert list(origin.ReferencedWaveformChannels) == [1, number]
    (reference,) = dcmread(path).ReferencedInstanceSequence
    assert reference.ReferencedSOPInstanceUID == source.instance.sop_instance_uid

    if name not in KNOWN_TO_THE_VALIDATOR and found.format.bits_allocated <= 16:
        copy = dcmread(path)
        copy.SOPClassUID = copy.file_meta.MediaStorageSOPClassUID = GeneralECGWaveformStorage
        copy.Modality = "ECG"
        copy.pop("Laterality", None)
        copy.save_as(path)
    if found.format.bits_allocated <= 16:
        validate(path)


def test_the_rounding_is_stated(tmp_path: Path, analysis: Analysis) -> None:
    source = recorded(tmp_path)
    (item,) = write(analysis, [source], derived(source)).WaveformSequence
    for channel in item.ChannelDefinitionSequence:
        half = float(channel.ChannelSensitivity) / 2
        assert channel.ChannelDerivationDescription == f"band pass; rounded by {half:.1e} uV"
    (channel, *_) = derived(source).channels
    full = replace(channel, derivation="x" * 60)
    (item,) = write(analysis, [source], DerivedGroup((full,), 500.0)).WaveformSequence
    # A derivation that fills the attribute stays as it is; half of Channel Sensitivity is the bound all the same.
    assert item.ChannelDefinitionSequence[0].ChannelDerivationDescription == "x" * 60


def test_another_class_bits_and_several_sources(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]
) -> None:
    first, other = recorded(tmp_path), tmp_path / "other"
    other.mkdir()
    second_header = RECORDERS["Ambulatory ECG Waveform Storage"].instance(make_study(), seconds=1.0, series_number=2)
    second = read_waveform(written(second_header, other))
    breath = DerivedChannel(
        np.sin(np.arange(40) / 5),
        codes.DCM.RespirationWaveform,
        Code("l/s", "UCUM", "litre per second"),
        (SourceChannel(0, 0, 1), SourceChannel(0, 0, 2), SourceChannel(1, 0, 0)),
        "from R amplitudes",
        skew=0.125,
    )
    group = DerivedGroup((breath,), 25.0, time_offset=0.5)
    path = save(write(analysis, [first, second], group, sop_class_uid=RespiratoryWaveformStorage, bits=8), tmp_path)
    read = read_waveform(opened(path))
    assert read.instance.header.Modality == "RESP"
    assert read.is_time_synchronized is not None
    (found,) = read.groups
    assert found.format.bits_allocated == 8
    assert found.padding is None
    assert (found.time_offset, found.channels[0].skew) == (0.5, 0.125)
    values = physical_samples(found)
    assert np.abs(values[0] - breath.values).max() <= 0.5 / 127 * 1.0001
    raw = dcmread(path)
    one, two = raw.WaveformSequence[0].ChannelDefinitionSequence[0].SourceWaveformSequence
    assert list(one.ReferencedWaveformChannels) == [1, 2, 1, 3]
    assert list(two.ReferencedWaveformChannels) == [1, 1]
    assert two.ReferencedSOPInstanceUID == second.instance.sop_instance_uid
    assert len(raw.ReferencedInstanceSequence) == 2

    for sop_class, bits in (
        (RoutineScalpElectroencephalogramWaveformStorage, 32),
        (General32bitECGWaveformStorage, 32),
    ):
        path = save(write(analysis, [first], derived(first), sop_class_uid=sop_class, bits=bits), tmp_path)
        (found,) = read_waveform(opened(path)).groups
        assert found.format.bits_allocated == 32
        expected = np.array([channel.values for channel in derived(first).channels])
        assert np.nanmax(np.abs(physical_samples(found) - expected)) < 1e-5
        np.testing.assert_allclose(physical_by_pydicom(path), physical_samples(found), atol=1e-9)


def test_several_groups_of_an_ecg(tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]) -> None:
    source = recorded(tmp_path)
    (only, *_) = derived(source).channels
    beat = DerivedGroup((replace(only, values=only.values[:300]),), 500.0, label="MEDIAN BEAT")
    path = save(write(analysis, [source], derived(source), beat), tmp_path)
    validate(path)
    first, second = read_waveform(opened(path)).groups
    assert (first.sample_count, second.sample_count, second.label) == (500, 300, "MEDIAN BEAT")


def test_the_clock_is_the_sources(tmp_path: Path, analysis: Analysis) -> None:
    header = dataset(ramp())
    header.AcquisitionTimeSynchronized = "Y"
    header.WaveformSequence[0].MultiplexGroupTimeOffset = 0
    source = read_waveform(written(header, tmp_path))
    channel = DerivedChannel(np.zeros(4), codes.MDC.LeadII, MICROVOLT, (SourceChannel(0, 0, 0),), "flat")
    result = write(analysis, [source], DerivedGroup((channel,), 500.0))
    assert result.SynchronizationFrameOfReferenceUID == header.SynchronizationFrameOfReferenceUID
    assert result.AcquisitionTimeSynchronized == "Y"
    # Required with a synchronized clock (type 1C).
    assert result.WaveformSequence[0].MultiplexGroupTimeOffset == 0
    for keyword in ("SynchronizationFrameOfReferenceUID", "SynchronizationTrigger", "AcquisitionTimeSynchronized"):
        delattr(source.instance.header, keyword)
    assert "SynchronizationTrigger" not in write(analysis, [source], DerivedGroup((channel,), 500.0))
    breath = write(analysis, [source], DerivedGroup((channel,), 50.0), sop_class_uid=RespiratoryWaveformStorage)
    assert breath.SynchronizationTrigger == "NO TRIGGER"


def test_every_class_that_is_read_can_be_written() -> None:
    assert {recorder.sop_class_uid: recorder.modality for recorder in RECORDERS.values()} == {
        sop_class: iod.modality for sop_class, iod in WAVEFORM_IODS.items()
    }


def test_what_cannot_be_right_is_an_error(tmp_path: Path, analysis: Analysis) -> None:
    source = recorded(tmp_path)
    good = derived(source)
    channel = good.channels[1]
    unknown = Code("milli", "UCUM", "milli")
    for message, groups, changes in (
        ("each group a channel", [], {}),
        ("each group a channel", [replace(good, channels=())], {}),
        ("one number of samples", [replace(good, channels=(channel, replace(channel, values=np.zeros(3))))], {}),
        ("one number of samples", [replace(good, channels=(replace(channel, values=np.zeros(0)),))], {}),
        ("sampling frequency 0", [replace(good, sampling_frequency=0.0)], {}),
        ("allows 200 to 1000", [replace(good, sampling_frequency=2000.0)], {}),
        ("label of group 1", [replace(good, label="a label of seventeen")], {}),
        ("infinite", [replace(good, channels=(replace(channel, values=np.full(9, np.inf)),))], {}),
        ("no floating", [replace(good, channels=(replace(channel, values=np.zeros(9, int)),))], {}),
        ("UCUM does not have", [replace(good, channels=(replace(channel, unit=unknown),))], {}),
        ("derivation of", [replace(good, channels=(replace(channel, derivation=""),))], {}),
        ("label of a channel", [replace(good, channels=(replace(channel, label="x" * 17),))], {}),
        ("names no channel", [replace(good, channels=(replace(channel, sources=()),))], {}),
        ("there is none", [replace(good, channels=(replace(channel, sources=(SourceChannel(0, 0, 9),)),))], {}),
        ("there is none", [replace(good, channels=(replace(channel, sources=(SourceChannel(1, 0, 0),)),))], {}),
        ("filter of -1", [replace(good, channels=(replace(channel, low_filter=-1.0),))], {}),
        ("does not reach", [replace(good, channels=(replace(channel, sensitivity=1e-9),))], {}),
        ("the sensitivity 0", [replace(good, channels=(replace(channel, sensitivity=0.0),))], {}),
        ("no unit", [replace(good, channels=(replace(channel, unit=None, sensitivity=1.0),))], {}),
        ("full scale", [replace(good, channels=(replace(channel, unit=None),))], {}),
        ("5 multiplex groups", [good] * 5, {}),
        ("14 channels in a group", [replace(good, channels=(channel,) * 14)],
         {"sop_class_uid": TwelveLeadECGWaveformStorage}),
        ("15 channels in all", [replace(good, channels=(channel,) * 5)] * 3,
         {"sop_class_uid": TwelveLeadECGWaveformStorage}),
        ("IOD allows 1$", [good, good], {"sop_class_uid": AmbulatoryECGWaveformStorage}),
        ("samples have 32 bits", [good], {"bits": 32}),
        ("no waveform", [good], {"sop_class_uid": CTImageStorage}),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            write(analysis, [source], *groups, **changes)
    with pytest.raises(ValueError, match="needs the recording"):
        write(analysis, [], good)
    del source.instance.header.AcquisitionDateTime
    with pytest.raises(ValueError, match="when it was acquired"):
        write(analysis, [source], good)
