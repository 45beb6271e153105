"""Whether a chosen series can be read, as what the role that it plays takes it for."""

from __future__ import annotations

from collections.abc import Callable

from pydicom.sr.coding import Code

from operators.check.gate import GateResult, gate_failed, gate_passed
from operators.check.geometry import PIXEL_DATA_GATE, geometry_gate
from operators.manifest import InputRole
from operators.read.frames import read_frames
from operators.read.instance import Instance
from operators.read.study import Series
from operators.read.volume import read_volume
from operators.read.waveform import read_waveform
from operators.refused import CODING_SCHEME, Refused

WAVEFORM_GATE = Code("waveform-gate", CODING_SCHEME, "Waveform data")


def reading_gate(series: Series, role: InputRole) -> GateResult:
    """Read a series as a volume, as pictures or as waveforms, and return the verdict of that alone.

    Pictures and waveforms are each for itself: the gate is passed if one of them can be read, and the verdict names the
    others. What an app asks for beyond that, its own gates judge.
    """
    if role.content == "pictures":
        return _each(series, PIXEL_DATA_GATE, _described_frames)
    if role.content == "waveforms":
        return _each(series, WAVEFORM_GATE, _described_waveform)
    try:
        return geometry_gate(series, read_volume(series, role.reading))
    except Refused as refused:
        return geometry_gate(series, refused)


def _each(series: Series, name: Code, described: Callable[[Instance], str]) -> GateResult:
    read, refusals = [], []
    for instance in series.instances:
        try:
            read.append(f"{instance.name}: {described(instance)}")
        except Refused as refused:
            refusals.append(refused)
    # A refusal names its instance itself.
    detail = "; ".join([*read, *(refused.detail for refused in refusals)])
    return gate_passed(name, detail) if read else gate_failed(name, refusals[0].reason, detail)


def _described_frames(instance: Instance) -> str:
    array = read_frames(instance).array
    frames = "1 frame" if len(array) == 1 else f"{len(array)} frames"
    return f"{frames} of {array.shape[1]} x {array.shape[2]} pixels"


def _described_waveform(instance: Instance) -> str:
    groups = read_waveform(instance).groups
    return ", ".join(
        f"{len(group.channels)} channels, {group.duration:.3g} s at {group.sampling_frequency:g} Hz" for group in groups
    )
