"""Networks with their weights, loaded once per process and device."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from threading import Lock

import torch
from safetensors.torch import load
from torch import nn

_LOADED: dict[tuple[str, str], nn.Module] = {}
_LOCK = Lock()


class WeightsDigestError(RuntimeError):
    """The weight file is not the one that its description names."""


def load_network(
    path: Path, build: Callable[[], nn.Module], *, sha256: str, device: str | torch.device = "cpu"
) -> nn.Module:
    """A network in evaluation mode on the device, float32, with the weights of a safetensors file.

    The bytes must have the digest ``sha256``, else WeightsDigestError: a result names the digest of the model that
    made it. ``build`` makes the network; tensors of the file and the network must agree in names and shapes (float16
    storage is widened). A second call with the same digest and device returns the same object, without reading
    anything; on a GPU the weights lie in channels-last order.
    """
    device = torch.device(device)
    key = (sha256.lower(), str(device))
    with _LOCK:
        if key not in _LOADED:
            content = path.read_bytes()
            found = hashlib.sha256(content).hexdigest()
            if found != sha256.lower():
                raise WeightsDigestError(f"{path} has the SHA-256 {found}, not {sha256}")
            network = build()
            network.load_state_dict(load(content))
            network = network.float().eval().requires_grad_(False)
            if device.type == "cuda":
                # The signature of Module.to with a memory format is missing from torch's stubs.
                network = network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
            _LOADED[key] = network.to(device)
        return _LOADED[key]
