"""Explanations of networks whose reasons are known."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from operators.infer.explain import grad_cam, integrated_gradients, randomised, sanity_check

_SIDE = 24
_CUE = (slice(2, 8), slice(15, 21))
"""Where the blob is that decides the class."""


class Pooled(nn.Module):
    """Convolutions, the mean over all places, a linear layer: Grad-CAM of it is known in closed form."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())
        self.last = nn.Linear(8, 2)

    def score(self, maps: Tensor) -> Tensor:
        found: Tensor = self.last(maps.mean(dim=(2, 3)))
        return found

    def forward(self, x: Tensor) -> Tensor:
        return self.score(self.maps(x))


def pictures(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Noise; those of class 1 have a bright blob at the place of the cue."""
    random = torch.Generator().manual_seed(seed)
    images = 0.3 * torch.rand((count, 1, _SIDE, _SIDE), generator=random)
    kinds = torch.arange(count) % 2
    images[kinds == 1, 0, _CUE[0], _CUE[1]] += 0.7
    return images, kinds


@pytest.fixture(scope="module")
def trained() -> Pooled:
    torch.manual_seed(0)
    network = Pooled()
    images, kinds = pictures(64, 0)
    optimizer = torch.optim.Adam(network.parameters(), 2e-2)
    for _ in range(60):
        optimizer.zero_grad()
        cross_entropy(network(images), kinds).backward()
        optimizer.step()
    network.eval()
    fresh, truth = pictures(100, 1)
    assert (network(fresh).argmax(dim=1) == truth).float().mean() >= 0.95
    return network


def cam(network: nn.Module, x: Tensor) -> Tensor:
    assert isinstance(network, Pooled)
    return grad_cam(network.maps, lambda maps: network.score(maps)[0, 1], x)


def gradients(network: nn.Module, x: Tensor) -> Tensor:
    return integrated_gradients(network, x, 1)


def share_at_cue(explanation: Tensor) -> float:
    """The part of an explanation that lies within 2 pixels of the cue."""
    rows, columns = (slice(place.start - 2, place.stop + 2) for place in _CUE)
    return float(explanation[0, 0, rows, columns].sum() / explanation.sum())


def test_integrated_gradients_of_a_linear_network_are_weight_times_input() -> None:
    network = nn.Linear(5, 2)
    x = torch.tensor([[1.0, -2.0, 0.5, 0.0, 3.0]])
    torch.testing.assert_close(integrated_gradients(network, x, 1, steps=3), x * network.weight[1].detach())


def test_integrated_gradients_of_a_product_share_it() -> None:
    class Product(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (x[:, :1] * x[:, 1:2]).repeat(1, 2)

    found = integrated_gradients(Product(), torch.tensor([[3.0, 4.0, 7.0]]), 0)
    torch.testing.assert_close(found, torch.tensor([[6.0, 6.0, 0.0]]))


def test_integrated_gradients_are_complete(trained: Pooled) -> None:
    x = pictures(2, 2)[0][1:]
    with torch.no_grad():
        difference = float(trained(x)[0, 1] - trained(torch.zeros_like(x))[0, 1])
    assert float(integrated_gradients(trained, x, 1, steps=64).sum()) == pytest.approx(difference, rel=0.01)


def test_grad_cam_is_the_class_activation_map_of_a_pooled_network(trained: Pooled) -> None:
    x = pictures(2, 3)[0][1:]
    with torch.no_grad():
        maps = trained.maps(x)
        expected = torch.relu((trained.last.weight[1][None, :, None, None] * maps).sum(dim=1, keepdim=True))
    torch.testing.assert_close(cam(trained, x), expected / expected.max(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("explain", [cam, gradients], ids=["Grad-CAM", "integrated gradients"])
def test_the_planted_cue_is_found(trained: Pooled, explain: Callable[[nn.Module, Tensor], Tensor]) -> None:
    x = pictures(2, 4)[0][1:]
    assert share_at_cue(explain(trained, x).clamp(min=0)) > 0.8


def test_grad_cam_of_coarse_maps_has_the_size_of_the_input(trained: Pooled) -> None:
    x = pictures(2, 5)[0][1:]

    def pooled(picture: Tensor) -> Tensor:
        return nn.functional.max_pool2d(trained.maps(picture), 4)

    found = grad_cam(pooled, lambda maps: trained.score(maps)[0, 1], x)
    assert found.shape == x.shape
    assert share_at_cue(found) > 0.5


def test_where_nothing_speaks_for_the_class_the_map_is_zero(trained: Pooled) -> None:
    x = pictures(2, 6)[0][1:]
    assert not grad_cam(trained.maps, lambda maps: -maps.sum(), x).any()


def test_a_signal_has_a_grad_cam_too() -> None:
    network = nn.Conv1d(1, 1, 1, bias=False)
    x = torch.zeros(1, 1, 40)
    x[0, 0, 25] = 2.0
    with torch.no_grad():
        network.weight.fill_(1.0)
    found = grad_cam(network, torch.sum, x)
    assert (int(found.argmax()), float(found.max())) == (25, 1.0)


def test_a_volume_has_a_grad_cam_too() -> None:
    x = torch.zeros(1, 1, 4, 6, 6)
    x[0, 0, 2, 3, 1] = 2.0
    found = grad_cam(nn.Identity(), torch.sum, x)
    torch.testing.assert_close(found, x / 2)


def test_an_explanation_of_the_network_changes_when_its_weights_lose_their_meaning(trained: Pooled) -> None:
    found = [abs(sanity_check(trained, pictures(2, 7)[0][1:], gradients, seed=seed)) for seed in range(5)]
    assert max(found) < 0.3


def test_what_tells_of_the_input_alone_fails_the_sanity_check(trained: Pooled) -> None:
    def edges(network: nn.Module, x: Tensor) -> Tensor:
        return (x - nn.functional.avg_pool2d(x, 3, 1, 1)).abs()

    assert sanity_check(trained, pictures(2, 8)[0][1:], edges) == pytest.approx(1.0)


def test_randomised_weights_are_the_same_values_elsewhere(trained: Pooled) -> None:
    copy = randomised(trained)
    assert isinstance(copy, Pooled)
    for before, after in zip(trained.parameters(), copy.parameters(), strict=True):
        torch.testing.assert_close(before.flatten().sort().values, after.flatten().sort().values)
    assert not torch.equal(trained.last.weight, copy.last.weight)
    assert not any(torch.equal(a, b) for a, b in zip(trained.maps.parameters(), copy.maps.parameters(), strict=True))
