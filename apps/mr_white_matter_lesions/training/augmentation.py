"""Random changes of a training patch: geometry (image and labels together) and intensities (image only).

The list is the paper's (arXiv 2506.22041 section 3); probabilities and ranges are those of its training framework.
Images are z-scored, (channel, slice, row, column); every channel draws its own intensity changes, because two
sequences do not share their noise. No mirroring anywhere: left and right stay what they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

Range = tuple[float, float]


@dataclass(frozen=True)
class AugmentationSettings:
    """Probability of each change and the range its strength is drawn from."""

    rotation: float = 0.2
    rotation_axis: float = 0.66
    rotation_degrees: float = 30.0
    scale: float = 0.2
    scale_range: Range = (0.9, 1.1)
    elastic: float = 0.33
    elastic_mm: Range = (1.0, 4.0)
    elastic_spacing_mm: float = 30.0
    additive_noise: float = 0.2
    additive_sigma: Range = (0.02, 0.15)
    multiplicative_noise: float = 0.2
    multiplicative_sigma: Range = (0.02, 0.1)
    blur: float = 0.2
    blur_sigma: Range = (0.3, 1.0)
    gamma: float = 0.2
    gamma_range: Range = (0.5, 2.0)
    inversion: float = 0.05
    bias_field: float = 0.33
    bias_strength: Range = (0.1, 0.4)
    ringing: float = 0.2
    ringing_kept: Range = (0.6, 0.95)
    ghosting: float = 0.2
    ghosts: tuple[int, int] = (2, 10)
    ghost_alpha: Range = (0.85, 0.95)
    low_resolution: float = 0.2
    low_resolution_zoom: Range = (0.5, 1.0)


class Draw:
    """Random numbers from one seeded generator."""

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.uniform(0.0, 1.0) < probability

    def uniform(self, low: float, high: float) -> float:
        """A real number between the bounds."""
        return low + (high - low) * float(torch.rand((), generator=self.generator))

    def integer(self, low: int, high: int) -> int:
        """A whole number, both bounds included."""
        return int(torch.randint(low, high + 1, (), generator=self.generator))

    def normal(self, shape: Sequence[int]) -> torch.Tensor:
        """Standard normal values."""
        return torch.randn(tuple(shape), generator=self.generator)


@dataclass(frozen=True)
class Deformation:
    """Output offset in mm (column, row, slice) to source offset: x ↦ matrix x + displacement(x)."""

    matrix: torch.Tensor
    displacement: torch.Tensor | None


def draw_deformation(
    settings: AugmentationSettings, window: Sequence[int], spacing: Sequence[float], draw: Draw
) -> Deformation | None:
    """A random rotation, scale and elastic displacement for one patch; None when nothing was drawn."""
    matrix = torch.eye(3)
    changed = False
    if draw.chance(settings.rotation):
        for axis in range(3):
            if draw.chance(settings.rotation_axis):
                angle = math.radians(draw.uniform(-settings.rotation_degrees, settings.rotation_degrees))
                matrix = matrix @ _rotation(axis, angle)
                changed = True
    if draw.chance(settings.scale):
        matrix = matrix / draw.uniform(*settings.scale_range)
        changed = True
    displacement = None
    if draw.chance(settings.elastic):
        extent = [size * step for size, step in zip(window, spacing, strict=True)]
        knots = [max(2, round(length / settings.elastic_spacing_mm) + 1) for length in extent]
        coarse = draw.normal((1, 3, *knots)) * draw.uniform(*settings.elastic_mm)
        fine = functional.interpolate(coarse, size=tuple(window), mode="trilinear", align_corners=True)
        displacement = fine[0].movedim(0, -1)
        changed = True
    return Deformation(matrix, displacement) if changed else None


def cut(
    image: torch.Tensor,
    labels: torch.Tensor,
    centre: Sequence[float],
    window: Sequence[int],
    spacing: Sequence[float],
    deformation: Deformation | None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The patch of the window's size around a centre (slice, row, column), deformed; edges are repeated outside.

    ``image`` is (channel, slice, row, column), ``labels`` (slice, row, column); spacing in mm, same order.
    """
    axes = [torch.arange(size) - (size - 1) / 2 for size in window]
    if deformation is None:
        index = [
            (axis + float(middle)).round().long().clamp(0, length - 1)
            for axis, middle, length in zip(axes, centre, labels.shape, strict=True)
        ]
        slices, rows, columns = torch.meshgrid(*index, indexing="ij")
        return image[:, slices, rows, columns].float(), labels[slices, rows, columns].long()
    step = torch.tensor([float(value) for value in spacing])
    slice_, row, column = torch.meshgrid(*[axis * mm for axis, mm in zip(axes, step, strict=True)], indexing="ij")
    offsets = torch.stack([column, row, slice_], dim=-1) @ deformation.matrix.T
    if deformation.displacement is not None:
        offsets = offsets + deformation.displacement
    middle = torch.tensor([float(value) for value in centre]).flip(0)
    position = offsets / step.flip(0) + middle
    low, high = position.amin(dim=(0, 1, 2)).flip(0), position.amax(dim=(0, 1, 2)).flip(0)
    # Only the part of the volume that the patch can touch is converted to float.
    bounds = [
        (min(max(0, int(first) - 1), length - 2), max(2, min(length, int(last) + 3)))
        for first, last, length in zip(low, high, labels.shape, strict=True)
    ]
    slab, band, strip = (slice(first, max(last, first + 2)) for first, last in bounds)
    position = position - torch.tensor([float(first) for first, _ in bounds]).flip(0)
    volume = image[:, slab, band, strip].float()
    size = torch.tensor(volume.shape[1:], dtype=torch.float32).flip(0)
    grid = ((2 * position + 1) / size - 1)[None]
    moved = functional.grid_sample(volume[None], grid, mode="bilinear", padding_mode="border", align_corners=False)
    truth = labels[slab, band, strip].float()[None, None]
    nearest = functional.grid_sample(truth, grid, mode="nearest", padding_mode="border", align_corners=False)
    return moved[0], nearest[0, 0].round().long()


def change_intensities(
    image: torch.Tensor, settings: AugmentationSettings, spacing: Sequence[float], draw: Draw
) -> torch.Tensor:
    """Random noise, blur, contrast, bias field and artefacts, drawn for each channel by itself."""
    return torch.stack([_change_channel(channel, settings, spacing, draw) for channel in image])


def _change_channel(
    channel: torch.Tensor, settings: AugmentationSettings, spacing: Sequence[float], draw: Draw
) -> torch.Tensor:
    if draw.chance(settings.bias_field):
        channel = _bias_field(channel, draw.uniform(*settings.bias_strength), draw)
    if draw.chance(settings.gamma):
        channel = _gamma(channel, draw.uniform(*settings.gamma_range), draw.chance(settings.inversion))
    if draw.chance(settings.blur):
        sigma = draw.uniform(*settings.blur_sigma)
        channel = _blur(channel, [sigma * min(spacing) / step for step in spacing])
    if draw.chance(settings.low_resolution):
        channel = _low_resolution(channel, draw.uniform(*settings.low_resolution_zoom))
    if draw.chance(settings.ringing):
        channel = _ringing(channel, draw.integer(1, 2), draw.uniform(*settings.ringing_kept))
    if draw.chance(settings.ghosting):
        axis = draw.integer(1, 2)
        channel = _ghosting(channel, axis, draw.integer(*settings.ghosts), draw.uniform(*settings.ghost_alpha))
    if draw.chance(settings.multiplicative_noise):
        channel = channel * (1 + draw.uniform(*settings.multiplicative_sigma) * draw.normal(channel.shape))
    if draw.chance(settings.additive_noise):
        channel = channel + draw.uniform(*settings.additive_sigma) * draw.normal(channel.shape)
    return channel


def _rotation(axis: int, angle: float) -> torch.Tensor:
    first, second = [other for other in range(3) if other != axis]
    matrix = torch.eye(3)
    matrix[first, first] = matrix[second, second] = math.cos(angle)
    matrix[first, second] = -math.sin(angle)
    matrix[second, first] = math.sin(angle)
    return matrix


def _bias_field(channel: torch.Tensor, strength: float, draw: Draw) -> torch.Tensor:
    """Multiply the signal (above the patch minimum) by a smooth field, exp of a random 3 x 3 x 3 knot surface."""
    field = functional.interpolate(
        draw.normal((1, 1, 3, 3, 3)) * strength / 2, size=channel.shape, mode="trilinear", align_corners=True
    )[0, 0].exp()
    floor = channel.min()
    return (channel - floor) * field + floor


def _gamma(channel: torch.Tensor, gamma: float, invert: bool) -> torch.Tensor:
    """((x − min) / range) ** gamma, brought back to the mean and deviation it had."""
    low, high = channel.min(), channel.max()
    unit = ((channel - low) / (high - low).clamp(min=1e-6)).clamp(0, 1)
    if invert:
        unit = 1 - unit
    changed = unit**gamma
    return (changed - changed.mean()) / changed.std().clamp(min=1e-6) * channel.std() + channel.mean()


def _blur(channel: torch.Tensor, sigmas: Sequence[float]) -> torch.Tensor:
    volume = channel[None, None]
    for axis, sigma in enumerate(sigmas):
        if sigma < 0.1:
            continue
        radius = max(1, math.ceil(3 * sigma))
        kernel = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / sigma) ** 2)
        shape, padding = [1, 1, 1, 1, 1], [0] * 6
        shape[2 + axis] = len(kernel)
        padding[2 * (2 - axis)] = padding[2 * (2 - axis) + 1] = radius
        padded = functional.pad(volume, padding, mode="replicate")
        volume = functional.conv3d(padded, (kernel / kernel.sum()).reshape(shape))
    return volume[0, 0]


def _low_resolution(channel: torch.Tensor, zoom: float) -> torch.Tensor:
    """In-plane resolution lost: down by ``zoom`` and up again."""
    size = (channel.shape[0], max(2, round(channel.shape[1] * zoom)), max(2, round(channel.shape[2] * zoom)))
    small = functional.interpolate(channel[None, None], size=size, mode="trilinear", align_corners=False)
    return functional.interpolate(small, size=channel.shape, mode="trilinear", align_corners=False)[0, 0]


def _ringing(channel: torch.Tensor, axis: int, kept: float) -> torch.Tensor:
    """Gibbs ringing: the outer part of k-space along one in-plane axis is cut off."""
    spectrum = torch.fft.rfft(channel, dim=axis)
    frequencies = spectrum.shape[axis]
    first = round(kept * (frequencies - 1)) + 1
    spectrum.narrow(axis, first, frequencies - first).zero_()
    return torch.fft.irfft(spectrum, n=channel.shape[axis], dim=axis)


def _ghosting(channel: torch.Tensor, axis: int, ghosts: int, alpha: float) -> torch.Tensor:
    """Motion ghosts: every ``ghosts``-th line of k-space but the centre is weakened to ``alpha``."""
    spectrum = torch.fft.fft(channel, dim=axis)
    weight = torch.ones(channel.shape[axis])
    weight[ghosts::ghosts] = alpha
    shape = [1, 1, 1]
    shape[axis] = -1
    return torch.fft.ifft(spectrum * weight.reshape(shape), dim=axis).real.contiguous()
