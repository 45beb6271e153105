"""What the gate compares of a frame: how the network sees it, and how bright it is."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from apps.us_breast_lesion.network import UNetGCN
from operators.infer.pictures import network_pictures

_PERCENTILES = (5, 25, 50, 75, 95)


@torch.no_grad()
def frame_embeddings(
    network: UNetGCN, pictures: NDArray[np.generic], pixels: int, device: torch.device | str = "cpu"
) -> NDArray[np.float64]:
    """Return embeddings (n, d) of pictures (n, row, column) in [0, 1].

    The network's instance normalisation takes brightness and contrast away: percentiles of the picture bring them back.
    """
    found = []
    for picture in pictures:
        resized = network_pictures(picture[None], pixels)
        deep = network.embed(torch.from_numpy(resized).to(device))[0].double().cpu().numpy()
        found.append(np.concatenate([deep, np.percentile(resized, _PERCENTILES)]))
    return np.array(found)
