"""What the gate compares of a frame: brightness, contrast and texture by depth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from operators.check.picture_profile import picture_profile
from operators.infer.pictures import network_pictures


def frame_embeddings(pictures: NDArray[np.floating], pixels: int) -> NDArray[np.float64]:
    """Return embeddings (n, d) of pictures (n, row, column) in [0, 1], seen with ``pixels`` a side."""
    return np.concatenate([picture_profile(network_pictures(picture[None], pixels)[:, 0]) for picture in pictures])
