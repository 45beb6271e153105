"""Loading weights: the right ones, once."""

import hashlib
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from operators.infer.weights import WeightsDigestError, load_network


def build() -> nn.Module:
    return nn.Sequential(nn.Conv3d(1, 2, 3), nn.InstanceNorm3d(2, affine=True))


def saved(path: Path, seed: int, dtype: torch.dtype = torch.float32) -> tuple[nn.Module, str]:
    torch.manual_seed(seed)
    network = build()
    save_file({name: value.to(dtype) for name, value in network.state_dict().items()}, path)
    return network, hashlib.sha256(path.read_bytes()).hexdigest()


def test_weights_arrive_in_evaluation_mode_and_are_loaded_once(tmp_path: Path) -> None:
    original, digest = saved(tmp_path / "net.safetensors", seed=1)
    network = load_network(tmp_path / "net.safetensors", build, sha256=digest)
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    for name, value in original.state_dict().items():
        torch.testing.assert_close(network.state_dict()[name], value)
    (tmp_path / "net.safetensors").unlink()
    assert load_network(tmp_path / "net.safetensors", build, sha256=digest.upper()) is network


def test_half_precision_storage_is_widened(tmp_path: Path) -> None:
    original, digest = saved(tmp_path / "half.safetensors", seed=2, dtype=torch.float16)
    network = load_network(tmp_path / "half.safetensors", build, sha256=digest)
    assert all(parameter.dtype == torch.float32 for parameter in network.parameters())
    torch.testing.assert_close(network.state_dict()["0.weight"], original.state_dict()["0.weight"], atol=1e-3, rtol=0)


def test_other_bytes_than_described_are_an_error(tmp_path: Path) -> None:
    _, digest = saved(tmp_path / "net.safetensors", seed=3)
    content = bytearray((tmp_path / "net.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / "net.safetensors").write_bytes(content)
    with pytest.raises(WeightsDigestError, match=digest):
        load_network(tmp_path / "net.safetensors", build, sha256=digest)


def test_weights_of_another_network_are_an_error(tmp_path: Path) -> None:
    _, digest = saved(tmp_path / "net.safetensors", seed=4)
    with pytest.raises(RuntimeError, match="size mismatch"):
        load_network(
            tmp_path / "net.safetensors",
            lambda: nn.Sequential(nn.Conv3d(1, 3, 3), nn.InstanceNorm3d(3, affine=True)),
            sha256=digest,
        )
