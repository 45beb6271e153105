"""Gate on the noise of a volume, measured on the image itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.sr.coding import Code

from operators.check.figures import NOISE, SIGNAL_TO_NOISE, plain
from operators.check.foreground import foreground_threshold, sampled_slices
from operators.check.gate import GateResult, gate_failed, gate_passed
from operators.read.volume import Volume
from operators.refused import CODING_SCHEME, Reason

NOISE_GATE = Code("noise-gate", CODING_SCHEME, "Image noise")

# The median of the magnitude of a normal variable of standard deviation 1.
_MEDIAN_OF_MAGNITUDE = 0.6745

_MINIMUM_BLOCKS = 100


def noise_gate(volume: Volume, *, minimum_signal_to_noise: float = 0.0) -> GateResult:
    """Judge signal by noise of what the volume shows.

    The noise is Donoho's estimate (Biometrika 1994;81:425, section 4.2): the median magnitude of the finest diagonal
    Haar coefficients by 0.6745, over blocks of 2 x 2 foreground voxels in up to 32 slices. Texture adds to it, and
    interpolation by the scanner takes from it. The signal is the mean of the foreground above the background's, so
    that it has a meaning for values with an offset, such as HU, too. Foreground and background are divided by
    :func:`foreground_threshold`.

    Not passed (``IMAGE_QUALITY``) below ``minimum_signal_to_noise``; by default it only measures.
    """
    values = sampled_slices(volume.array)
    threshold = foreground_threshold(values) if np.isfinite(values).all() else None
    if threshold is None:
        return gate_passed(NOISE_GATE, "not measured: the volume shows nothing")
    foreground = values > threshold
    blocks = diagonal_details(values)[_whole_blocks(foreground)]
    if len(blocks) < _MINIMUM_BLOCKS:
        return gate_passed(NOISE_GATE, "not measured: the volume shows too little")
    noise = float(np.median(np.abs(blocks))) / _MEDIAN_OF_MAGNITUDE
    signal = float(values[foreground].mean(dtype=np.float64) - values[~foreground].mean(dtype=np.float64))
    if noise == 0.0:
        return gate_passed(NOISE_GATE, "no noise can be seen", (plain(NOISE, 0.0),))
    ratio = signal / noise
    figures = (plain(NOISE, noise), plain(SIGNAL_TO_NOISE, ratio))
    found = f"signal by noise is {ratio:.3g} (noise {noise:.3g})"
    if ratio < minimum_signal_to_noise:
        return gate_failed(
            NOISE_GATE, Reason.IMAGE_QUALITY, f"{found}, must be at least {minimum_signal_to_noise:g}", figures
        )
    return gate_passed(NOISE_GATE, found, figures)


def diagonal_details(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Diagonal Haar coefficients of blocks of 2 x 2 voxels: for white noise, of the noise's standard deviation."""
    upper_left, upper_right, lower_left, lower_right = _corners(values)
    return np.asarray((upper_left - upper_right - lower_left + lower_right) / 2)


def _whole_blocks(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(np.logical_and.reduce(_corners(mask)))


def _corners(values: NDArray[Any]) -> list[NDArray[Any]]:
    rows, columns = values.shape[1] // 2 * 2, values.shape[2] // 2 * 2
    return [values[:, row:rows:2, column:columns:2] for row in (0, 1) for column in (0, 1)]
