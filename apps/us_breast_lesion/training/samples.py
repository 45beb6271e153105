"""Pictures with their outlines as training samples: simulated ones, and how they become a network's input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from operators.infer.pictures import network_pictures
from operators.learn.program import simulate
from operators.read.ultrasound import fill_marks
from phantoms.sonography import Edge, Lesion, Scanner, cut_through, random_scanner, simulate_breast

_KINDS = (Lesion.NONE, Lesion.BENIGN, Lesion.NONE, Lesion.MALIGNANT)
"""In turn: as many pictures without a mass as with one (the paper's batches)."""

_EDGES: tuple[Edge, ...] = get_args(Edge)
_MOST_MASSES = 3
_WITH_CALIPERS = 0.25
"""Of the pictures: a network has to know how calipers look that were filled in."""
_ARM = 4
"""Pixels."""


class Scene(str, Enum):
    """How the masses of a picture lie in it."""

    WHOLE = "whole"
    """One mass, all of it in the picture."""
    CUT = "cut"
    """One mass that an edge of the picture cuts."""
    SEVERAL = "several"
    """Two or three masses, the first of them cut in every fourth picture."""


EVERY_SCENE = (Scene.WHOLE, Scene.CUT, Scene.WHOLE, Scene.SEVERAL)
"""In turn: what a network is trained on."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One picture (row, column) in [0, 1], the mask of its masses, and its row and column spacing in mm if known."""

    image: NDArray[np.float32]
    mask: NDArray[np.bool_]
    spacing: tuple[float, float] | None
    kind: Lesion


def simulate_samples(
    seeds: Sequence[int],
    *,
    scenes: Sequence[Scene] = (Scene.WHOLE,),
    calipers: bool = False,
    scanner: Scanner | None = None,
    processes: int = 1,
) -> list[Sample]:
    """Simulate one picture for each seed: of ``scanner``, by default of another setting of the reference each time.

    The ``scenes`` take turns. With ``calipers`` every fourth picture has had some, and they are filled in.
    """
    make = partial(_simulate, scenes=tuple(scenes), calipers=calipers, scanner=scanner)
    return simulate(make, seeds, processes=processes)


def arrays_of(samples: Sequence[Sample], pixels: int) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
    """Return images and masks as a network of that size takes them, (n, 1, pixels, pixels) each."""
    images = np.concatenate([network_pictures(sample.image[None], pixels) for sample in samples])
    masks = np.concatenate([network_pictures(sample.mask[None], pixels) > 0.5 for sample in samples])
    return images.astype(np.float16), masks


def _simulate(seed: int, scenes: tuple[Scene, ...], calipers: bool, scanner: Scanner | None) -> Sample:
    random = np.random.default_rng([seed, 43])
    turn, place = divmod(seed, len(_KINDS))
    kind, scene = _KINDS[place], scenes[turn % len(scenes)]
    shape = int(random.integers(208, 289)), int(random.integers(208, 321))
    spacing = random.uniform(0.13, 0.18)
    scanner = scanner or random_scanner(random)
    edge, masses, windowed = None, 1, False
    if scene is not Scene.WHOLE:
        # Fields of view are as shallow and as narrow as probes have them.
        shape = int(random.integers(150, 289)), int(random.integers(150, 321))
        edge = _EDGES[random.integers(len(_EDGES))]
        windowed = scene is Scene.CUT and random.random() < 0.5
    if scene is Scene.SEVERAL:
        masses = int(random.integers(2, _MOST_MASSES + 1))
    is_placed = (scene is Scene.CUT and not windowed) or (scene is Scene.SEVERAL and random.random() < 0.25)
    picture = simulate_breast(
        kind,
        seed=seed,
        shape=shape,
        spacing=spacing,
        scanner=scanner,
        edge=edge if is_placed else None,
        masses=masses,
    )
    if windowed and edge is not None:
        picture = cut_through(picture, edge, seed=seed)
    image = picture.image.astype(np.float32) / np.float32(255)
    if calipers and random.random() < _WITH_CALIPERS:
        image = fill_marks(image, _calipers(picture.mask, random))
    return Sample(image, picture.mask, picture.spacing, kind)


def _calipers(mask: NDArray[np.bool_], random: np.random.Generator) -> NDArray[np.bool_]:
    """Where a scanner has drawn the crosses of a measurement: at the ends of what is sought, or anywhere."""
    rows, columns = mask.shape
    ends = [(random.integers(rows), random.integers(columns)) for _ in range(2)]
    if mask.any():
        occupied = np.argwhere(mask)
        along = occupied @ (np.array([0, 1]) if random.random() < 0.5 else random.normal(size=2))
        ends = [tuple(occupied[int(index)]) for index in (np.argmin(along), np.argmax(along))]
    marks = np.zeros(mask.shape, dtype=bool)
    for row, column in ends:
        marks[max(0, row - _ARM) : row + _ARM + 1, column] = True
        marks[row, max(0, column - _ARM) : column + _ARM + 1] = True
    return marks
