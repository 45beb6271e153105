"""Read a WFDB record (PhysioNet's format, header(5) and signal(5) of its manual) as a multiplex group."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from phantoms.waveforms.recording import Channel, CodedConcept, Group

_GAIN = re.compile(r"(?P<gain>[-+.\deE]+)(\((?P<baseline>-?\d+)\))?(/(?P<unit>\S+))?")
_UNITS = {"mV": ("mV", "UCUM", "millivolt"), "mmHg": ("mm[Hg]", "UCUM", "millimetre of mercury")}


@dataclass(frozen=True)
class Signal:
    """One signal of a record: `stored` are its digital values, which count `gain` to the unit from `baseline`.

    `checksum` and `first` are what the header says of `stored`: the sum modulo 2^16 (signed), and the first value.
    """

    name: str
    unit: str
    gain: float
    baseline: int
    first: int
    checksum: int
    stored: NDArray[np.int64]


@dataclass(frozen=True)
class Record:
    """One record; `sampling_frequency` in Hz."""

    name: str
    sampling_frequency: float
    signals: tuple[Signal, ...]

    @property
    def group(self) -> Group:
        """The record as a multiplex group: one over the gain is the sensitivity."""
        return Group(
            tuple(
                Channel(
                    signal.stored,
                    _source(signal.name),
                    sensitivity=1 / signal.gain,
                    unit=_UNITS.get(signal.unit, ("1", "UCUM", "no units")),
                    baseline=-signal.baseline / signal.gain,
                    label=signal.name,
                )
                for signal in self.signals
            ),
            self.sampling_frequency,
        )


def read_record(header: Path) -> Record:
    """Read a record of one segment in the formats 16 and 212 from its `.hea` file; raises ValueError for others."""
    lines = [line.split() for line in header.read_text("ascii").splitlines() if line.strip() and line[0] != "#"]
    name, count, frequency, samples = lines[0][:4]
    specifications = lines[1 : 1 + int(count)]
    stored: list[NDArray[np.int64]] = []
    for file in dict.fromkeys(line[0] for line in specifications):
        members = [line for line in specifications if line[0] == file]
        values = _samples(header.parent / file, members[0][1], len(members) * int(samples))
        stored.extend(values.reshape(int(samples), len(members)).T)
    return Record(
        name,
        float(frequency),
        tuple(_signal(line, values) for line, values in zip(specifications, stored, strict=True)),
    )


def _signal(line: list[str], stored: NDArray[np.int64]) -> Signal:
    match = _GAIN.fullmatch(line[2])
    if match is None:
        raise ValueError(f"gain {line[2]!r}")
    zero = int(line[4])
    return Signal(
        name=line[8],
        unit=match["unit"] or "mV",
        gain=float(match["gain"]),
        baseline=int(match["baseline"]) if match["baseline"] else zero,
        first=int(line[5]),
        checksum=int(line[6]),
        stored=stored,
    )


def _samples(path: Path, form: str, count: int) -> NDArray[np.int64]:
    kind, _, offset = form.partition("+")
    content = path.read_bytes()[int(offset or 0) :]
    if kind == "16":
        return np.frombuffer(content, "<i2", count).astype(np.int64)
    if kind != "212":
        raise ValueError(f"format {form}")
    # Two 12 bit values in three bytes: the low bits of the first, both high nibbles, the low bits of the second.
    low, middle, high = np.frombuffer(content, np.uint8, count * 3 // 2).astype(np.int64).reshape(-1, 3).T
    pairs = np.stack([low | (middle & 0x0F) << 8, high | (middle & 0xF0) << 4], axis=1)
    return ((pairs + 2048) % 4096 - 2048).reshape(-1)


def _source(name: str) -> CodedConcept:
    return name[:16], "99GANTRY", name
