"""The trained network of a model folder, and what it was made for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from apps.us_joint_effusion.network import NetworkSettings, SFRSegNet
from operators.check.likeness import Likeness
from operators.infer.pictures import network_profiles, picture_probabilities
from operators.infer.weights import load_network

WEIGHTS = "effusions.safetensors"
DESCRIPTION = "model.json"
LIKENESS = "likeness.json"


@dataclass(frozen=True, eq=False)
class Model:
    """The network on its device and what goes with it.

    ``pixels`` and ``channels`` are those of the network's pictures; ``likeness`` tells how like its training data a
    frame has to be; ``usual_noise`` is the noise level that nearly all pictures like those of training stay below.
    """

    network: SFRSegNet
    pixels: int
    channels: int
    likeness: Likeness
    usual_noise: float
    device: torch.device

    def profiles(self, pictures: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the profiles of pictures (n, row, column) in [0, 1] as the network sees them."""
        return network_profiles(pictures, self.pixels)

    def probability(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probability of fluid at each pixel of a picture (row, column) in [0, 1]."""
        return picture_probabilities(
            self.network, picture[None], self.pixels, device=self.device, channels=self.channels
        )[0]


def network_settings(description: dict[str, Any]) -> NetworkSettings:
    """Return the network's settings of a ``model.json``."""
    return NetworkSettings(**{**description, "channels": tuple(description["channels"])})


def load_model(folder: Path, device: torch.device) -> Model:
    """Load the network that ``model.json`` in a folder describes. Raises ``FileNotFoundError``."""
    description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    settings = network_settings(description["network"])
    network = load_network(folder / WEIGHTS, lambda: SFRSegNet(settings), sha256=description["sha256"], device=device)
    assert isinstance(network, SFRSegNet)
    return Model(
        network,
        int(description["pixels"]),
        settings.inputs,
        Likeness.load(folder / LIKENESS),
        float(description["usual_noise"]),
        device,
    )
