"""The trained network of a model folder, and what it was made for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from apps.us_breast_lesion.network import NetworkSettings, UNetGCN
from operators.check.likeness import Likeness
from operators.infer.pictures import network_profiles
from operators.infer.weights import load_network

WEIGHTS = "masses.safetensors"
LIKENESS = "likeness.json"


@dataclass(frozen=True, eq=False)
class Model:
    """The network on its device, the size of its pictures, and how like its training data a frame has to be."""

    network: UNetGCN
    pixels: int
    likeness: Likeness
    device: torch.device

    def profiles(self, pictures: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the profiles of pictures (n, row, column) in [0, 1] as the network sees them."""
        return network_profiles(pictures, self.pixels)


def load_model(folder: Path, device: torch.device) -> Model:
    """Load the network that ``model.json`` in a folder describes. Raises ``FileNotFoundError``."""
    description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    settings = {**description["network"], "channels": tuple(description["network"]["channels"])}
    network = load_network(
        folder / WEIGHTS,
        lambda: UNetGCN(NetworkSettings(**settings)),
        sha256=description["sha256"],
        device=device,
    )
    assert isinstance(network, UNetGCN)
    return Model(network, int(description["pixels"]), Likeness.load(folder / LIKENESS), device)
