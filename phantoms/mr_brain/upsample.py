"""Separable linear interpolation from a coarse to a fine grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def upsample(coarse: NDArray[np.float64], shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Linear interpolation of values at evenly spread nodes (a, b, c) to a grid of `shape` whose corners coincide."""
    result = coarse.astype(np.float32)
    for axis, count in enumerate(shape):
        weights = hat_weights(count, coarse.shape[axis])
        result = np.moveaxis(np.tensordot(weights, result, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(result)


def hat_weights(count: int, nodes: int) -> NDArray[np.float32]:
    """Hat functions (count, nodes) of `nodes` evenly spread nodes at `count` evenly spread points."""
    position = np.linspace(0, nodes - 1, count)
    return np.maximum(0, 1 - np.abs(position[:, None] - np.arange(nodes))).astype(np.float32)
