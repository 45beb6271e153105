"""Results that are no pictures: tracks and waveforms."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from pydicom.sr.codedict import codes

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.read.waveform import read_waveform
from operators.read.waveforms.values import physical_samples
from operators.write.tracks.track_set import PointMeasurement, TrackSet, TrackSetStatistic, TrackStatistic
from operators.write.tractography_results import write_tractography_results
from operators.write.waveform import write_waveform
from operators.write.waveforms.derived import DerivedChannel, DerivedGroup, SourceChannel
from phantoms.waveforms import RECORDERS
from tests.operators.read.recordings import make_study, written
from tests.operators.write.examples.made import Made, headers, one
from tests.operators.write.studies import as_series, make_volume

TRACTS = OutputPart(object="tractography_results", title="Corpus callosum", series_number=9013)
FILTERED = OutputPart(object="waveform", title="Filtered ECG", series_number=9014)


def tracts(analysis: Analysis) -> Made:
    volume = make_volume("oblique")
    tracks = (
        np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]]),
        np.array([[0.0, 1.0, 0.0], [1.0, 2.5, 3.0], [2.0, 3.0, 4.0]]),
    )
    anisotropy, unit = codes.DCM.FractionalAnisotropy, codes.UCUM.NoUnits
    found = TrackSet(
        "Corpus callosum",
        codes.SCT.CorpusCallosum,
        tracks,
        codes.DCM.SingleTensor,
        (codes.DCM.Deterministic,),
        acquisition=codes.DCM.DTI,
        track_colours=((255, 0, 0), (0, 255, 0)),
        measurements=(PointMeasurement(anisotropy, unit, (np.array([0.4, 0.5]), np.array([0.4, np.nan, 0.6]))),),
        track_statistics=(TrackStatistic(anisotropy, unit, codes.SCT.Mean, np.array([0.45, 0.5])),),
        set_statistics=(TrackSetStatistic(anisotropy, unit, codes.SCT.Mean, 0.475),),
    )
    made = write_tractography_results("tracts", TRACTS, as_series(volume), [found], analysis)
    return one("tracts", made, headers(volume))


def filtered_ecg(analysis: Analysis) -> Made:
    recorder = RECORDERS["General ECG Waveform Storage"]
    with tempfile.TemporaryDirectory() as folder:
        source = read_waveform(written(recorder.instance(make_study(), seconds=0.2), Path(folder)))
        (group,) = source.groups
        values = physical_samples(group)
    values[0, :5] = np.nan
    channels = tuple(
        DerivedChannel(row, codes.MDC.LeadII, channel.unit, (SourceChannel(0, 0, number),), "band pass", channel.label)
        for number, (row, channel) in enumerate(zip(values, group.channels, strict=True))
    )
    derived = DerivedGroup(channels, group.sampling_frequency, "FILTERED")
    made = write_waveform("filtered", FILTERED, [source], [derived], analysis)
    return one("filtered", made, (source.instance.header,))
