"""Pictures of breasts that a classifier knows, and pictures that it should refuse: simulated, drawn or spoilt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

from phantoms.sonography import OTHER_SCANNER, Lesion, Scanner, random_scanner, simulate_breast, simulate_joint

Pictures = NDArray[np.float32]

PIXELS = 64
KINDS = tuple(Lesion)
_BREAST_SPACING, _JOINT_SPACING = 0.6, 0.28


@dataclass(frozen=True, eq=False)
class Sonograms:
    """Pictures (n, row, column) in [0, 1] and their kinds (n,), the place in ``KINDS``."""

    pictures: Pictures
    kinds: NDArray[np.int64]


def breasts(seeds: Sequence[int], scanner: Callable[[np.random.Generator], Scanner] = random_scanner) -> Sonograms:
    """As many normal as benign as malignant ones; every picture has a setting of the scanner of its own."""
    pictures = []
    for seed in seeds:
        setting = scanner(np.random.default_rng([seed, 11]))
        found = simulate_breast(
            KINDS[seed % 3], seed=seed, shape=(PIXELS, PIXELS), spacing=_BREAST_SPACING, scanner=setting
        )
        pictures.append(found.image)
    return Sonograms(_in_range(pictures), np.array([seed % 3 for seed in seeds]))


def shifted(seeds: Sequence[int]) -> dict[str, Sonograms]:
    """Every shift by name; those of breasts have kinds that can still be asked for, the others have kind -1."""
    known = breasts(seeds)
    nothing = np.full(len(seeds), -1)
    return {
        "other scanner": breasts(seeds, lambda random: OTHER_SCANNER),
        "gain": breasts(seeds, _other_gain),
        "corruption": Sonograms(corrupted(known.pictures), known.kinds),
        "joint": Sonograms(_joints(seeds), nothing),
        "drawn digits": Sonograms(_digits(seeds), nothing),
    }


def corrupted(pictures: Pictures, *, seed: int = 0) -> Pictures:
    """Each picture with one to three dark ellipses or bands, blurred, or with multiplicative noise.

    As icpr-04 names them without figures: gain 0 to 0.3, blur of 1 to 4 of 180 pixels, noise of 0.1 to 0.4.
    """
    random = np.random.default_rng([seed, 12])
    spoil = (_darkened, _blurred, _noisy)
    return np.stack([spoil[index % 3](picture, random) for index, picture in enumerate(pictures)])


def _other_gain(random: np.random.Generator) -> Scanner:
    return replace(random_scanner(random), gain=float(random.choice([-1, 1]) * random.uniform(10, 14)))


def _darkened(picture: Pictures, random: np.random.Generator) -> Pictures:
    rows, columns = np.indices(picture.shape, dtype=np.float64) / len(picture)
    gain = np.ones(picture.shape)
    for _ in range(random.integers(1, 4)):
        centre, size = random.uniform(0.2, 0.8, 2), random.uniform(0.08, 0.25, 2)
        is_band = random.random() < 0.5
        across = ((columns - centre[1]) / size[1]) ** 2
        inside = (across if is_band else across + ((rows - centre[0]) / size[0]) ** 2) < 1
        gain[inside] = random.uniform(0, 0.3)
    return np.asarray(picture * gain, dtype=np.float32)


def _blurred(picture: Pictures, random: np.random.Generator) -> Pictures:
    return np.asarray(gaussian_filter(picture, random.uniform(1, 4) * len(picture) / 180))


def _noisy(picture: Pictures, random: np.random.Generator) -> Pictures:
    factor = 1 + random.uniform(0.1, 0.4) * random.normal(size=picture.shape)
    return np.asarray(np.clip(picture * factor, 0, 1), dtype=np.float32)


def _joints(seeds: Sequence[int]) -> Pictures:
    return _in_range(
        [
            simulate_joint(
                effusion=seed % 2 == 0,
                seed=seed,
                shape=(PIXELS, PIXELS),
                spacing=_JOINT_SPACING,
                scanner=random_scanner(np.random.default_rng([seed, 11])),
            ).image
            for seed in seeds
        ]
    )


def _digits(seeds: Sequence[int]) -> Pictures:
    pictures = []
    for seed in seeds:
        random = np.random.default_rng([seed, 13])
        image = Image.new("L", (PIXELS, PIXELS))
        font = ImageFont.load_default(float(random.uniform(34, 52)))
        across, down = random.uniform(26, 38, 2)
        ImageDraw.Draw(image).text(
            (float(across), float(down)), str(random.integers(10)), fill=255, font=font, anchor="mm"
        )
        turned = image.rotate(float(random.uniform(-15, 15)), Image.Resampling.BILINEAR)
        pictures.append(gaussian_filter(np.asarray(turned), 0.7))
    return _in_range(pictures)


def _in_range(pictures: Sequence[NDArray[np.uint8]]) -> Pictures:
    return np.asarray(np.stack(pictures) / 255, dtype=np.float32)
