from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import nn

from operators.infer.weights import load_network
from operators.learn.weights import store_weights


def test_what_is_stored_is_what_is_loaded_and_what_is_measured(tmp_path: Path) -> None:
    torch.manual_seed(0)
    first = nn.Linear(5, 4)
    network = nn.Sequential(first, nn.BatchNorm1d(4)).eval()
    before = first.weight.detach().clone()
    path = tmp_path / "weights.safetensors"
    digest = store_weights(network, path)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.stat().st_mode & 0o044 == 0o044
    loaded = load_network(path, lambda: nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4)), sha256=digest)
    x = torch.randn(3, 5)
    assert torch.equal(loaded(x), network(x))
    assert torch.equal(first.weight, before.half().float())
    assert not torch.equal(first.weight, before)
