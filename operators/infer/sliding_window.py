"""Running a network over a volume in overlapping windows."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import product

import torch
from torch import nn
from torch.nn import functional

_LOG = logging.getLogger(__name__)

# Standard deviation of the Gaussian window weight, in window sides (MONAI's and nnU-Net's value).
_SIGMA = 0.125
# No voxel may go without weight: the windows' corners are all that sees the volume's corners.
_LEAST_WEIGHT = 1e-3


@torch.inference_mode()
def sliding_window(
    network: nn.Module,
    volume: torch.Tensor,
    *,
    window: Sequence[int],
    overlap: float = 0.5,
    batch_size: int = 4,
    device: str | torch.device = "cpu",
    autocast: torch.dtype | None = torch.bfloat16,
) -> torch.Tensor:
    """Class probabilities (class, slice, row, column) of a volume (channel, slice, row, column).

    float32, on the device. See :func:`sliding_window_logits`: the softmax is taken of the windows' mean logits.
    """
    logits = sliding_window_logits(
        network,
        volume,
        window=window,
        overlap=overlap,
        batch_size=batch_size,
        device=device,
        autocast=autocast,
    )
    return logits.softmax(dim=0)


@torch.inference_mode()
def sliding_window_logits(
    network: nn.Module,
    volume: torch.Tensor,
    *,
    window: Sequence[int],
    overlap: float = 0.5,
    batch_size: int = 4,
    device: str | torch.device = "cpu",
    autocast: torch.dtype | None = torch.bfloat16,
) -> torch.Tensor:
    """Mean logits (class, slice, row, column) of overlapping windows, weighted by a Gaussian.

    ``network`` maps (batch, channel, *window) to (batch, class, *window) and lies on ``device`` already. Windows step
    by (1 − overlap) of their side, the last of each axis is moved back into the volume; a side smaller than the
    window is padded by repeating its edge. Logits are divided by the accumulated weight *before* any softmax: a sum
    would grow with the number of windows, which makes the softmax sharper where they overlap more and so biases the
    averaging of several networks or scans.

    ``autocast`` is the dtype of the convolutions on a GPU (None: float32); on a CPU everything is float32. When the GPU
    runs out of memory the volume is begun again with half the batch; at one window the error is raised.
    """
    if not 0 <= overlap < 1:
        raise ValueError(f"overlap must lie in [0, 1), not {overlap}")
    if volume.ndim != 4 or len(window) != 3:
        raise ValueError(f"a volume has four axes and a window three, not {volume.ndim} and {len(window)}")
    if batch_size < 1:
        raise ValueError(f"a batch holds at least one window, not {batch_size}")
    device = torch.device(device)
    while True:
        try:
            return _run(network, volume, tuple(window), overlap, batch_size, device, autocast)
        except torch.cuda.OutOfMemoryError:
            if batch_size == 1:
                raise
        # Outside the handler: the exception's traceback keeps the failed attempt's tensors alive.
        batch_size //= 2
        _LOG.warning("out of device memory: beginning the volume again with %d windows at once", batch_size)
        if device.type == "cuda":
            torch.cuda.empty_cache()


def window_starts(length: int, window: int, overlap: float) -> list[int]:
    """First indices of the windows along one axis; the last window ends with the volume."""
    step = max(1, int(window * (1 - overlap)))
    count = max(0, -(-(length - window) // step)) + 1
    return [min(number * step, length - window) for number in range(count)]


def gaussian_weight(window: Sequence[int], device: torch.device) -> torch.Tensor:
    """Weight of each voxel of a window: a Gaussian around its centre, never below 1e-3."""
    weight = torch.ones((), device=device)
    for size in window:
        offsets = torch.arange(size, dtype=torch.float32, device=device) - (size - 1) / 2
        weight = weight[..., None] * torch.exp(-0.5 * (offsets / (_SIGMA * size)) ** 2)
    return weight.clamp(min=_LEAST_WEIGHT)


def _run(
    network: nn.Module,
    volume: torch.Tensor,
    window: tuple[int, ...],
    overlap: float,
    batch_size: int,
    device: torch.device,
    autocast: torch.dtype | None,
) -> torch.Tensor:
    missing = [max(0, size - length) for size, length in zip(window, volume.shape[1:], strict=True)]
    before = [value // 2 for value in missing]
    padding = [value for axis in (2, 1, 0) for value in (before[axis], missing[axis] - before[axis])]
    padded = functional.pad(volume.float()[None], padding, mode="replicate")[0] if any(missing) else volume.float()
    # Pinned memory lets the copy of the volume run beside the first kernels.
    padded = padded.pin_memory() if device.type == "cuda" and not padded.is_cuda else padded
    padded = padded.to(device, non_blocking=True)
    weight = gaussian_weight(window, device)
    enabled = device.type == "cuda" and autocast is not None
    total: torch.Tensor | None = None
    weights = torch.zeros(padded.shape[1:], device=device)
    for places in _batches(padded.shape[1:], window, overlap, batch_size):
        batch = torch.stack([padded[(slice(None), *place)] for place in places])
        if device.type == "cuda":
            batch = batch.contiguous(memory_format=torch.channels_last_3d)
        with torch.autocast(device.type, autocast or torch.bfloat16, enabled=enabled):
            logits = network(batch)
        if total is None:
            total = torch.zeros((logits.shape[1], *padded.shape[1:]), device=device)
        for place, values in zip(places, logits, strict=True):
            total[(slice(None), *place)] += values.float() * weight
            weights[place] += weight
    assert total is not None  # every volume has at least one window
    total /= weights
    inner = tuple(slice(first, first + length) for first, length in zip(before, volume.shape[1:], strict=True))
    return total[(slice(None), *inner)]


def _batches(
    shape: Sequence[int], window: Sequence[int], overlap: float, batch_size: int
) -> Iterator[list[tuple[slice, ...]]]:
    starts = [window_starts(length, size, overlap) for length, size in zip(shape, window, strict=True)]
    places = [
        tuple(slice(first, first + size) for first, size in zip(corner, window, strict=True))
        for corner in product(*starts)
    ]
    for first in range(0, len(places), batch_size):
        yield places[first : first + batch_size]
