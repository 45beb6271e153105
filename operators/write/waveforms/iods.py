"""What each waveform IOD allows (PS3.3 A.34, "Content Constraints")."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom import uid
from pydicom.uid import UID

Bits = int
"""Waveform Bits Allocated: 8, 16 or 32."""

_SAMPLES = {8: "SB", 16: "SS", 32: "SL"}


@dataclass(frozen=True)
class WaveformIod:
    """The limits of one IOD: ``frequencies`` (Hz) are the lowest and highest; the first of ``bits`` is usual.

    ``channels`` holds for each multiplex group, ``total_channels`` for all together. ``unsigned`` samples of 8 bits are
    UB. ``synchronized`` says that the Synchronization module (C.7.4.2) is there even if the samples are derived.
    """

    modality: str
    groups: int | None = None
    channels: int | None = None
    total_channels: int | None = None
    samples: int | None = None
    frequencies: tuple[float, float] = (0.0, float("inf"))
    bits: tuple[Bits, ...] = (16,)
    unsigned: bool = False
    synchronized: bool = False

    def interpretation(self, bits: Bits) -> str:
        """Return the Waveform Sample Interpretation (5400,1006) of samples of so many bits."""
        return "UB" if self.unsigned and bits == 8 else _SAMPLES[bits]

    def check(self, channels: list[int], samples: list[int], frequencies: list[float], bits: Bits) -> None:
        """Raise :class:`ValueError` for groups of these sizes that the IOD does not allow."""
        lowest, highest = self.frequencies
        for what, found, limit in (
            ("multiplex groups", len(channels), self.groups),
            ("channels in a group", max(channels), self.channels),
            ("channels in all groups", sum(channels), self.total_channels),
            ("samples in a channel", max(samples), self.samples),
        ):
            if limit is not None and found > limit:
                raise ValueError(f"there are {found} {what}, the IOD allows {limit}")
        for frequency in frequencies:
            if not lowest <= frequency <= highest:
                raise ValueError(f"the sampling frequency is {frequency} Hz, the IOD allows {lowest} to {highest} Hz")
        if bits not in self.bits:
            raise ValueError(f"samples have {bits} bits, the IOD allows {' or '.join(map(str, self.bits))}")


_NEUROPHYSIOLOGY = (16, 32)

WAVEFORM_IODS: dict[UID, WaveformIod] = {
    uid.TwelveLeadECGWaveformStorage: WaveformIod(
        "ECG", groups=5, channels=13, total_channels=13, samples=16384, frequencies=(200, 1000)
    ),
    uid.GeneralECGWaveformStorage: WaveformIod("ECG", groups=4, channels=24, frequencies=(200, 1000)),
    uid.AmbulatoryECGWaveformStorage: WaveformIod("ECG", groups=1, channels=12, frequencies=(50, 1000), bits=(16, 8)),
    uid.General32bitECGWaveformStorage: WaveformIod("ECG", bits=(32,)),
    uid.HemodynamicWaveformStorage: WaveformIod("HD", groups=4, channels=8, frequencies=(0, 400)),
    uid.CardiacElectrophysiologyWaveformStorage: WaveformIod("EPS", groups=4, frequencies=(0, 20000)),
    uid.ArterialPulseWaveformStorage: WaveformIod(
        "HD", groups=1, channels=1, frequencies=(0, 600), bits=(16, 8), synchronized=True
    ),
    uid.RespiratoryWaveformStorage: WaveformIod(
        "RESP", groups=1, channels=1, frequencies=(0, 100), bits=(16, 8), synchronized=True
    ),
    uid.MultichannelRespiratoryWaveformStorage: WaveformIod("RESP", bits=_NEUROPHYSIOLOGY),
    uid.BasicVoiceAudioWaveformStorage: WaveformIod(
        "AU", groups=1, channels=2, frequencies=(8000, 8000), bits=(8,), unsigned=True
    ),
    uid.GeneralAudioWaveformStorage: WaveformIod(
        "AU", groups=1, channels=2, frequencies=(0, 44100), bits=(16, 8), unsigned=True, synchronized=True
    ),
    uid.RoutineScalpElectroencephalogramWaveformStorage: WaveformIod("EEG", bits=_NEUROPHYSIOLOGY),
    uid.SleepElectroencephalogramWaveformStorage: WaveformIod("EEG", bits=_NEUROPHYSIOLOGY),
    uid.ElectromyogramWaveformStorage: WaveformIod("EMG", bits=_NEUROPHYSIOLOGY),
    uid.ElectrooculogramWaveformStorage: WaveformIod("EOG", bits=_NEUROPHYSIOLOGY),
    uid.BodyPositionWaveformStorage: WaveformIod("POS", bits=_NEUROPHYSIOLOGY),
}
"""The IOD of every waveform storage SOP class."""
