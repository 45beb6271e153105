"""Pictures of joints with their outlines: simulated, or of a folder; and how they become a network's input."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from operators.infer.pictures import network_pictures
from operators.learn.program import simulate
from phantoms.sonography import Scanner, random_scanner, simulate_joint

_PARTS = ("training", "training", "training", "validation", "test")
"""Of five cases of a folder in turn."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One picture (row, column) in [0, 1], the mask of its fluid, and its row and column spacing in mm if known."""

    image: NDArray[np.float32]
    mask: NDArray[np.bool_]
    spacing: tuple[float, float] | None


def simulate_samples(seeds: Sequence[int], *, scanner: Scanner | None = None, processes: int = 1) -> list[Sample]:
    """Simulate one joint for each seed, every third of them dry: of ``scanner``, else set anew each time."""
    return simulate(partial(_simulate, scanner=scanner), seeds, processes=processes)


def read_samples(folder: Path) -> dict[str, list[Sample]]:
    """Read ``images/NAME.png`` with ``masks/NAME.png`` (white is fluid) of a folder into training, validation and test.

    ``spacing.json`` beside them may tell row and column spacing in mm by NAME. What stands before the first ``_`` of a
    name is the patient, whose pictures all go to one part: copies of one picture on both sides of a split, as icpr-09
    has them, measure memory. Raises :class:`ValueError` for fewer than five patients or a mask of another size.
    """
    paths = sorted((folder / "images").glob("*.png"))
    known = folder / "spacing.json"
    spacings = json.loads(known.read_text(encoding="utf-8")) if known.is_file() else {}
    patients = sorted({_patient(path) for path in paths})
    if len(patients) < len(_PARTS):
        raise ValueError(f"{folder} holds pictures of {len(patients)} patients, needed are at least {len(_PARTS)}")
    parts: dict[str, list[Sample]] = {part: [] for part in _PARTS}
    for path in paths:
        image, mask = (
            np.asarray(Image.open(each).convert("L"), dtype=np.float32) / np.float32(255)
            for each in (path, folder / "masks" / path.name)
        )
        if image.shape != mask.shape:
            raise ValueError(f"{path.name}: the picture is {image.shape}, its mask {mask.shape}")
        spacing = spacings.get(path.stem)
        part = _PARTS[patients.index(_patient(path)) % len(_PARTS)]
        parts[part].append(Sample(image, mask > 0.5, None if spacing is None else (spacing[0], spacing[1])))
    return parts


def arrays_of(
    samples: Sequence[Sample], pixels: int, channels: int = 1
) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
    """Return images (n, channel, pixels, pixels) and masks (n, 1, pixels, pixels) for a network of that size."""
    images = np.concatenate([network_pictures(sample.image[None], pixels, channels=channels) for sample in samples])
    masks = np.concatenate([network_pictures(sample.mask[None], pixels) > 0.5 for sample in samples])
    return images.astype(np.float16), masks


def _simulate(seed: int, scanner: Scanner | None) -> Sample:
    random = np.random.default_rng([seed, 41])
    picture = simulate_joint(
        effusion=seed % 3 != 0,
        seed=seed,
        shape=(int(random.integers(224, 289)), int(random.integers(224, 321))),
        spacing=random.uniform(0.06, 0.08),
        scanner=scanner or random_scanner(random),
    )
    return Sample(picture.image.astype(np.float32) / np.float32(255), picture.mask, picture.spacing)


def _patient(path: Path) -> str:
    return path.stem.split("_")[0]
