"""Real pictures as training samples: folders as BUSI lays them out (Al-Dhabyani et al. 2020).

``benign``, ``malignant`` and ``normal`` hold ``benign (1).png`` and its masks ``benign (1)_mask.png``,
``benign (1)_mask_1.png`` ..., whose union is the truth; a normal picture's mask is empty. Nothing is calibrated. The
collection does not say whose pictures are whose (780 of about 600 women): a split by file can put one woman in two
parts, as the paper's does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from apps.us_breast_lesion.training.samples import Sample
from phantoms.sonography import Lesion

FOLDS = 4
_MASK = re.compile(r"_mask(_\d+)?$")


def read_samples(folder: Path) -> list[Sample]:
    """Read every picture, sorted by name within each kind. Raises :class:`ValueError` for one without a mask."""
    found = []
    for kind in (Lesion.BENIGN, Lesion.MALIGNANT, Lesion.NONE):
        paths = sorted((folder / kind.value).glob("*.png"), key=_order)
        for path in (each for each in paths if not _MASK.search(each.stem)):
            masks = [each for each in paths if _MASK.sub("", each.stem) == path.stem and each != path]
            if not masks and kind is not Lesion.NONE:
                raise ValueError(f"{path} has no mask beside it")
            image = np.asarray(Image.open(path).convert("L"), dtype=np.float32) / np.float32(255)
            truth = np.zeros(image.shape, dtype=bool)
            for each in masks:
                mask = np.asarray(Image.open(each).convert("L")) > 127
                if mask.shape != image.shape:
                    raise ValueError(f"{each} is {mask.shape}, its picture {image.shape}")
                truth |= mask
            found.append(Sample(image, truth, None, kind))
    if not found:
        raise ValueError(f"{folder} holds no pictures in benign, malignant or normal")
    return found


def split(samples: Sequence[Sample], fold: int) -> dict[str, list[Sample]]:
    """Return training, validation and test: a fold of the sorted pictures of each kind is the test.

    The fold after it, of four, gives the validation half of its pictures.
    """
    parts: dict[str, list[Sample]] = {"training": [], "validation": [], "test": []}
    for kind in Lesion:
        chosen = [sample for sample in samples if sample.kind is kind]
        folds = [list(part) for part in np.array_split(np.arange(len(chosen)), FOLDS)]
        parts["test"] += [chosen[index] for index in folds[fold]]
        after = folds[(fold + 1) % FOLDS]
        parts["validation"] += [chosen[index] for index in after[::2]]
        rest = [index for other, part in enumerate(folds) if other != fold for index in part]
        parts["training"] += [chosen[index] for index in rest if index not in set(after[::2])]
    return parts


def _order(path: Path) -> tuple[str, int]:
    number = re.search(r"\((\d+)\)", path.stem)
    return re.sub(r"\(\d+\)", "", path.stem), int(number[1]) if number else 0
