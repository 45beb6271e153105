"""From tissue to signal: contrast values of the sequences, receive bias field, Rician noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from phantoms.mr_brain.head import TISSUES, Head
from phantoms.mr_brain.upsample import upsample

# Relative signal per tissue; brain values from the phantom's specification, the others as commonly seen.
CONTRAST: dict[str, dict[str, float]] = {
    "FLAIR": {"csf": 0.10, "grey": 0.65, "white": 0.50, "skull": 0.08, "muscle": 0.30, "fat": 0.60},
    "T1": {"csf": 0.15, "grey": 0.50, "white": 0.80, "skull": 0.10, "muscle": 0.35, "fat": 0.95},
}
# How much of the T1 template's own texture shows: FLAIR contrast of deep nuclei is weaker and reversed.
TEXTURE = {"FLAIR": -0.15, "T1": 0.6}


def draw_contrast(random: np.random.Generator) -> dict[str, dict[str, float]]:
    """Contrast values of one scan session: each tissue within 5 % of its value."""
    return {
        sequence: {tissue: value * random.uniform(0.95, 1.05) for tissue, value in values.items()}
        for sequence, values in CONTRAST.items()
    }


def signal_map(head: Head, sequence: str, contrast: dict[str, dict[str, float]]) -> NDArray[np.float32]:
    """Noise-free signal on the head's grid (z, y, x)."""
    signal = np.float32(TEXTURE[sequence] / 100) * head.texture.astype(np.float32)
    for tissue in TISSUES:
        signal += np.float32(contrast[sequence][tissue] / 255) * head.tissues[tissue]
    return np.maximum(signal, 0)


def bias_field(random: np.random.Generator, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Smooth receive sensitivity over the field of view, between 0.8 and 1.2 and reaching one of them."""
    coarse = ndimage.gaussian_filter(random.standard_normal((12, 12, 12)), 3.0, mode="nearest")
    smooth = upsample(coarse, shape)
    smooth -= smooth.mean()
    return 1 + np.float32(0.2) * smooth / np.abs(smooth).max()


def rician(random: np.random.Generator, signal: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Magnitude of the signal with Gaussian noise of `sigma` in both quadrature channels (Gudbjartsson 1995)."""
    real = signal + np.float32(sigma) * random.standard_normal(signal.shape, dtype=np.float32)
    imaginary = np.float32(sigma) * random.standard_normal(signal.shape, dtype=np.float32)
    return np.hypot(real, imaginary)
