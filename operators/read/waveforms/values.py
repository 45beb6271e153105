"""The samples of a waveform: stored values, or values in physical units; only those that are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from operators.read.waveforms.group import MultiplexGroup
from operators.refused import Reason, Refused

# A long record is read in pieces of this size, so that one channel of it needs no more memory than its result.
_BLOCK_BYTES = 1 << 22


def stored_samples(
    group: MultiplexGroup, channels: Sequence[int] | None = None, start: int = 0, stop: int | None = None
) -> NDArray[np.generic]:
    """Return stored values, (channel, sample): of the given channels, or all; samples ``start`` to ``stop``.

    They are linear: mu-law and A-law codes are expanded (ITU-T G.711). Only the part asked for is read. Raises
    :class:`Refused` with ``TRUNCATED_WAVEFORM_DATA``, or with ``UNSUPPORTED_WAVEFORM`` when a value needs more bits
    than the header says, as its sign then cannot be told.
    """
    chosen, first, last = _chosen(group, channels, start, stop)
    result = np.empty((len(chosen), last - first), dtype=group.format.dtype)
    for at, block in _blocks(group, first, last):
        result[:, at : at + len(block)] = group.format.linear(block[:, chosen]).T
    _refuse_overfull(group, chosen, result)
    return result


def physical_samples(
    group: MultiplexGroup, channels: Sequence[int] | None = None, start: int = 0, stop: int | None = None
) -> NDArray[np.float64]:
    """Return values in each channel's unit, float64 (channel, sample), with NaN where there is only padding.

    Of the given channels, or all; samples ``start`` to ``stop``; only the part asked for is read. Raises
    :class:`Refused` with ``MISSING_SENSITIVITY`` when a channel has no defined unit, and like
    :func:`stored_samples`.
    """
    chosen, first, last = _chosen(group, channels, start, stop)
    scales = []
    for index in chosen:
        channel = group.channels[index]
        if channel.scale is None:
            absent = "Channel Sensitivity" if channel.sensitivity is None else "Channel Sensitivity Units"
            raise Refused(Reason.MISSING_SENSITIVITY, f"{group.name}, {channel.name} has no {absent}")
        scales.append(channel.scale)
    baselines = [group.channels[index].baseline for index in chosen]
    result = np.empty((len(chosen), last - first))
    for at, block in _blocks(group, first, last):
        stored = block[:, chosen].T
        linear = group.format.linear(stored)
        _refuse_overfull(group, chosen, linear)
        part = result[:, at : at + len(block)]
        part[...] = linear
        part *= np.array(scales)[:, None]
        part += np.array(baselines)[:, None]
        if group.padding is not None:
            part[stored == group.padding] = np.nan
    return result


def _chosen(
    group: MultiplexGroup, channels: Sequence[int] | None, start: int, stop: int | None
) -> tuple[list[int], int, int]:
    chosen = list(range(len(group.channels))) if channels is None else list(channels)
    if any(not 0 <= channel < len(group.channels) for channel in chosen):
        raise IndexError(f"{group.name} has the channels 0 to {len(group.channels) - 1}, not {chosen}")
    first, last, _ = slice(start, stop).indices(group.sample_count)
    return chosen, first, max(first, last)


def _blocks(group: MultiplexGroup, first: int, last: int) -> Iterator[tuple[int, NDArray[np.generic]]]:
    """Pieces (sample, channel) of the stored codes, each with its place in the result."""
    dtype, channels = group.format.stored_dtype, len(group.channels)
    row = channels * dtype.itemsize
    step = max(1, _BLOCK_BYTES // row)
    for start in range(first, last, step):
        stop = min(start + step, last)
        block = np.frombuffer(group.data.read(start * row, stop * row), dtype)
        yield start - first, block.reshape(stop - start, channels)


def _refuse_overfull(group: MultiplexGroup, chosen: Sequence[int], linear: NDArray[np.generic]) -> None:
    """The sign is extended to the highest bit allocated (PS3.3 table C.10-9): who did not has written other values."""
    if group.format.is_companded or not linear.size:
        return
    for index, row in zip(chosen, linear, strict=True):
        bits = group.channels[index].bits_stored
        if bits is None or not 0 < bits < group.format.bits_allocated:
            continue
        signed = linear.dtype.kind == "i"
        lowest, highest = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
        if int(row.min()) >= lowest and int(row.max()) <= highest:
            continue
        beyond = row[(row < lowest) | (row > highest)]
        if group.padding is None or (beyond != group.padding).any():
            raise Refused(
                Reason.UNSUPPORTED_WAVEFORM,
                f"{group.name}, {group.channels[index].name} has the value {beyond[0]} in {bits} bits stored",
            )
