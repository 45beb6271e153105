"""Volumes made here: an array, where it lies, and the headers that a gate asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset

from operators.read.geometry.slices import Slice
from operators.read.study import Instance
from operators.read.volume import Volume

SHAPE = (20, 40, 30)
AFFINE = np.diag([4.0, 3.0, 6.0, 1.0])


def volume(array: NDArray[Any], affine: NDArray[np.float64] = AFFINE, **attributes: object) -> Volume:
    header = Dataset()
    for keyword, value in attributes.items():
        setattr(header, keyword, value)
    instance = Instance(Path("slice.dcm"), header, FileMetaDataset())
    return Volume(array, affine, "1.2.3", tuple(Slice(instance, header) for _ in array))


def noise() -> NDArray[np.int16]:
    return np.random.default_rng(0).normal(300, 50, SHAPE).astype(np.int16)


def figure(result: Any, value: str) -> float:
    """The one figure of a verdict that has this code value."""
    (found,) = [item.value for item in result.figures if item.name.value == value]
    return float(found)
