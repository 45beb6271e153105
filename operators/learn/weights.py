"""A trained network as the file that an app comes with."""

from __future__ import annotations

import hashlib
from pathlib import Path

from safetensors.torch import save
from torch import nn


def store_weights(network: nn.Module, path: Path) -> str:
    """Write the weights as float16 safetensors; return the file's SHA-256, as manifest and ``model.json`` tell it.

    That is half the size, and far below the noise of the training itself. The network has the stored values
    afterwards: what is measured with it is what the file gives.
    """
    stored = {
        name: (value.half() if value.is_floating_point() else value).detach().cpu().contiguous()
        for name, value in network.state_dict().items()
    }
    # safetensors' own save_file makes files that only their owner can read; a node runs as another user.
    content = save(stored)
    path.write_bytes(content)
    network.load_state_dict(stored)
    return hashlib.sha256(content).hexdigest()
