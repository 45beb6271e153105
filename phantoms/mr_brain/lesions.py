"""Drawing lesions for a head, and their occupancy and signal on an acquisition grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from phantoms.mr_brain.contrast import CONTRAST
from phantoms.mr_brain.data import Lesion, Point
from phantoms.mr_brain.deformation import Deformation
from phantoms.mr_brain.head import Head
from phantoms.mr_brain.sampling import lps

SUBSAMPLE_MM = 0.5
MAXIMUM_LOAD_ML = 40.0


@dataclass(frozen=True)
class LesionLayer:
    """Lesions on a grid, at the voxels they touch.

    `voxels` (n, 3) are (slice, row, column); `occupancy` (n,) is the fraction of the voxel's volume inside any lesion;
    `signal_change` (n,) what the lesions add to the voxel's noise-free signal.
    """

    voxels: NDArray[np.int64]
    occupancy: NDArray[np.float64]
    signal_change: NDArray[np.float64]


def draw_lesions(
    random: np.random.Generator, head: Head, deformation: Deformation, radii: tuple[float, float]
) -> tuple[Lesion, ...]:
    """White-matter lesions of one patient: about one head in twelve has none, the load is log-normal up to 40 mL.

    `radii` are the smallest and largest radius in mm. Heads with more than 1 mL also have caps on the horns.
    """
    if random.random() < 0.08:
        return ()
    load = min(random.lognormal(np.log(6), 1.1), MAXIMUM_LOAD_ML)
    lesions: list[Lesion] = []
    drawn = 0.0
    if load > 1:
        for tip in head.horn_tips:
            radius = radii[0] * 0.5 + random.uniform(0.15, 0.55) * radii[1]
            stretch = (random.uniform(0.8, 1.2), random.uniform(0.8, 1.6), random.uniform(0.8, 1.4))
            lesions.append(_lesion(random, head, deformation, tip + random.normal(0, 1, 3), radius, stretch))
            drawn += 0.3 * _volume_ml(lesions[-1])
    while drawn < load:
        # Many small and few large ones; big loads come with bigger lesions.
        largest = radii[0] + (radii[1] - radii[0]) * min(1.0, 0.35 + load / 15)
        radius = radii[0] + (largest - radii[0]) * random.beta(1.2, 2.5)
        flat = head.candidates[np.searchsorted(head.cumulative, random.random())]
        position = head.positions(np.array([flat]))[0] + random.uniform(-0.5, 0.5, 3) * head.spacing
        stretch = (random.uniform(0.75, 1.25), random.uniform(0.8, 1.5), random.uniform(0.75, 1.25))
        lesions.append(_lesion(random, head, deformation, position, radius, stretch))
        # Part of an ellipsoid falls outside white matter or onto an earlier one.
        drawn += 0.85 * _volume_ml(lesions[-1])
    return tuple(lesions)


def _lesion(
    random: np.random.Generator,
    head: Head,
    deformation: Deformation,
    template_position: NDArray[np.float64],
    radius: float,
    stretch: Point,
) -> Lesion:
    centre = deformation.to_patient(template_position[None])[0]
    # A quarter of the lesions does not show on T1 at all, the others by up to the full step from white matter.
    visibility = 0.0 if random.random() < 0.25 else random.uniform(0.2, 1.0)
    return Lesion(
        centre=(float(centre[0]), float(centre[1]), float(centre[2])),
        radius=float(radius),
        side="left" if template_position[0] >= 0 else "right",
        stretch=stretch,
        confined=True,
        flair=random.uniform(0.82, 1.0),
        t1=CONTRAST["T1"]["white"] - 0.22 * visibility,
    )


def _volume_ml(lesion: Lesion) -> float:
    return float(4 / 3 * np.pi * lesion.radius**3 * np.prod(lesion.stretch) / 1000)


def draw_distractors(
    random: np.random.Generator, head: Head, deformation: Deformation, count: int
) -> tuple[Lesion, ...]:
    """Bright findings in the cortex ("other pathology", such as an old infarct), which are no white-matter lesions."""
    cortex = np.flatnonzero((head.tissues["grey"] > 200) & (head.regions == 0))
    x = head.positions(cortex)[:, 0]
    # Lateral convexity: away from the midline and so from the deep nuclei.
    cortex = cortex[np.abs(x) > 40]
    distractors = []
    for _ in range(count):
        position = head.positions(np.array([random.choice(cortex)]))[0]
        radius = random.uniform(4, 8)
        drawn = _lesion(random, head, deformation, position, radius, (1.0, 1.0, 1.0))
        distractors.append(replace(drawn, t1=0.40))
    return tuple(distractors)


def with_side(lesion: Lesion, deformation: Deformation) -> Lesion:
    """The lesion with its side filled in from the deformed midline, where none was given."""
    if lesion.side is not None:
        return lesion
    x = deformation.to_template(np.array([lesion.centre]))[0, 0]
    return replace(lesion, side="left" if x >= 0 else "right")


def lesion_layer(
    lesions: Sequence[Lesion],
    sequence: str,
    tissue: str,
    head: Head,
    signal: NDArray[np.float32],
    white_gain: float,
    deformation: Deformation,
    affine: NDArray[np.float64],
    shape: tuple[int, int, int],
) -> LesionLayer:
    """Integrate lesions over the voxels of a grid.

    Every touched voxel is cut into cells of about 0.5 mm. A cell belongs to a lesion if its centre lies in the
    ellipsoid and, for a confined one, the fraction of `tissue` there exceeds one half. Where lesions overlap the later
    one gives the signal: its contrast value times `white_gain`, the session's white matter relative to the usual.
    """
    spacing = np.linalg.norm(affine[:3, :3], axis=0)[::-1]
    cells = _cell_offsets(spacing)
    boxes = [_touched_voxels(lesion, affine, shape) for lesion in lesions]
    touched = np.unique(np.concatenate([np.empty(0, np.int64), *boxes]))
    voxels = np.stack(np.unravel_index(touched, shape), axis=-1)
    inside = np.zeros((len(touched), len(cells)), bool)
    replaced = np.zeros((len(touched), len(cells)), np.float32)
    if len(touched) == 0:
        return LesionLayer(voxels, np.empty(0), np.empty(0))

    positions = (voxels[:, None, :] + cells).astype(np.float64)
    points = lps(affine, positions[..., 0], positions[..., 1], positions[..., 2])
    head_index = head.indices(deformation.to_template(points)).astype(np.float32)
    in_tissue = ndimage.map_coordinates(head.tissues[tissue].astype(np.float32), head_index, order=1) > 127.5
    before = ndimage.map_coordinates(signal, head_index, order=1, output=np.float32)
    for lesion, box in zip(lesions, boxes, strict=True):
        rows = np.searchsorted(touched, box)
        scaled = (points[rows] - lesion.centre) / (lesion.radius * np.array(lesion.stretch))
        member = (scaled**2).sum(-1) <= 1
        if lesion.confined:
            member &= in_tissue[rows]
        inside[rows] |= member
        value = white_gain * (lesion.flair if sequence == "FLAIR" else lesion.t1)
        replaced[rows] = np.where(member, value, replaced[rows])
    change = np.where(inside, replaced - before, 0).mean(1)
    return LesionLayer(voxels, inside.mean(1), change)


def _cell_offsets(spacing: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centres of the cells of one voxel as (slice, row, column) offsets (n, 3)."""
    axes = []
    for step in spacing:
        count = max(2, int(np.ceil(step / SUBSAMPLE_MM)))
        axes.append((np.arange(count) + 0.5) / count - 0.5)
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)


def _touched_voxels(lesion: Lesion, affine: NDArray[np.float64], shape: tuple[int, int, int]) -> NDArray[np.int64]:
    """Flat indices of the voxels in the lesion's bounding box, sorted."""
    inverse = np.linalg.inv(affine)
    centre = (inverse @ [*lesion.centre, 1])[:3][::-1]
    # Half extents of the ellipsoid's bounding box along the index axes.
    reach = np.linalg.norm(inverse[:3, :3] * lesion.radius * np.array(lesion.stretch), axis=1)[::-1] + 0.5
    axes = [
        np.arange(max(0, int(np.ceil(middle - extent))), min(count, int(np.floor(middle + extent)) + 1))
        for middle, extent, count in zip(centre, reach, shape, strict=True)
    ]
    box = np.meshgrid(*axes, indexing="ij")
    return np.asarray(np.ravel_multi_index(box, shape).ravel(), np.int64)
