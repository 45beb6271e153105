"""The full-size head: ICBM152 2009a tissue maps, read from the data that ship inside the nilearn wheel."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from phantoms.mr_brain.head import MARGIN, Head, build_head
from phantoms.mr_brain.regions import load_region_table

# Signal of the T1 template in pure tissue (median where the map exceeds 0.9), uint8 scale.
TEMPLATE_WHITE, TEMPLATE_GREY, TEMPLATE_CSF = 222.0, 165.0, 70.0


@lru_cache(maxsize=1)
def template_head() -> Head:
    """The ICBM152 head at 1 mm; the first call takes some seconds, later calls return the same object."""
    whole = _read_map("t1")
    box = tuple(slice(int(axis.min()), int(axis.max()) + 1) for axis in np.nonzero(whole))
    t1, grey, white = (np.pad(_read_map(name)[box], int(MARGIN)) for name in ("t1", "gm", "wm"))
    brain = t1 > 0
    fractions = _sharpen(grey / np.float32(255), white / np.float32(255), brain)

    expected = TEMPLATE_CSF * fractions["csf"] + TEMPLATE_GREY * fractions["grey"] + TEMPLATE_WHITE * fractions["white"]
    residual = np.where(brain, t1 - expected, 0) / TEMPLATE_WHITE * 100
    texture = np.clip(residual * (1 - fractions["csf"]), -25, 25).astype(np.int8)

    # Voxel (0, 0, 0) of the file is RAS (-98, -134, -72); after the flip the first x and y are the largest of RAS.
    first = np.array([98.0 - (whole.shape[2] - 1), 134.0 - (whole.shape[1] - 1), -72.0])
    origin = first + np.array([axis.start for axis in box[::-1]]) - MARGIN
    return build_head(fractions, texture, origin, 1.0, load_region_table())


def _read_map(name: str) -> NDArray[np.float32]:
    """One map as (z, y, x) with indices that grow along LPS."""
    nilearn = find_spec("nilearn")
    if nilearn is None or nilearn.origin is None:
        raise ModuleNotFoundError("the full-size brain phantom needs nilearn: pip install 'gantry-pacs[phantoms]'")
    path = Path(nilearn.origin).parent / f"datasets/data/mni_icbm152_{name}_tal_nlin_sym_09a_converted.nii.gz"
    # Only here, because the small phantom must work without the `phantoms` extra.
    import nibabel

    image = nibabel.load(path)
    expected = [[1, 0, 0, -98], [0, 1, 0, -134], [0, 0, 1, -72], [0, 0, 0, 1]]
    if image.shape != (197, 233, 189) or not np.array_equal(image.affine, expected):
        raise ValueError(f"{path.name} is not the 1 mm ICBM152 2009a map that this phantom was made for")
    return np.asarray(image.dataobj).transpose(2, 1, 0)[:, ::-1, ::-1].astype(np.float32)


def _sharpen(
    grey: NDArray[np.float32], white: NDArray[np.float32], brain: NDArray[np.bool_]
) -> dict[str, NDArray[np.float32]]:
    """Turn probabilities averaged over 152 people into one head's tissue fractions: squares, normalised to 1."""
    squares = {
        "csf": np.clip(1 - grey - white, 0, 1) ** 2,
        "grey": grey**2,
        "white": white**2,
    }
    total = sum(squares.values()) + np.float32(1e-6)
    return {name: np.where(brain, square / total, 0).astype(np.float32) for name, square in squares.items()}
