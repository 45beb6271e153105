"""Pictures with their outlines as training samples: simulated ones, and how they become a network's input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from operators.infer.pictures import network_pictures
from operators.learn.program import simulate
from phantoms.sonography import Lesion, Scanner, random_scanner, simulate_breast

_KINDS = (Lesion.NONE, Lesion.BENIGN, Lesion.NONE, Lesion.MALIGNANT)
"""In turn: as many pictures without a mass as with one (the paper's batches)."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One picture (row, column) in [0, 1], the mask of its mass, and its row and column spacing in mm if known."""

    image: NDArray[np.float32]
    mask: NDArray[np.bool_]
    spacing: tuple[float, float] | None
    kind: Lesion


def simulate_samples(seeds: Sequence[int], *, scanner: Scanner | None = None, processes: int = 1) -> list[Sample]:
    """Simulate one picture for each seed: of ``scanner``, by default of another setting of the reference each time."""
    return simulate(partial(_simulate, scanner=scanner), seeds, processes=processes)


def arrays_of(samples: Sequence[Sample], pixels: int) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
    """Return images and masks as a network of that size takes them, (n, 1, pixels, pixels) each."""
    images = np.concatenate([network_pictures(sample.image[None], pixels) for sample in samples])
    masks = np.concatenate([network_pictures(sample.mask[None], pixels) > 0.5 for sample in samples])
    return images.astype(np.float16), masks


def _simulate(seed: int, scanner: Scanner | None) -> Sample:
    random = np.random.default_rng([seed, 43])
    kind = _KINDS[seed % len(_KINDS)]
    picture = simulate_breast(
        kind,
        seed=seed,
        shape=(int(random.integers(208, 289)), int(random.integers(208, 321))),
        spacing=random.uniform(0.13, 0.18),
        scanner=scanner or random_scanner(random),
    )
    return Sample(picture.image.astype(np.float32) / np.float32(255), picture.mask, picture.spacing, kind)
