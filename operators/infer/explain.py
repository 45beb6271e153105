"""What a network's answer rests on: integrated gradients, Grad-CAM, and the check that neither is an empty show."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, relu

Explanation = Callable[[nn.Module, Tensor], Tensor]


def integrated_gradients(network: nn.Module, x: Tensor, label: int, *, steps: int = 32) -> Tensor:
    """Attribution of one logit to each input value (Sundararajan et al. 2017), of the shape of ``x``, (1, ...).

    The baseline is zero; the midpoint rule over ``steps`` points makes the sum equal to the logit's difference from
    that of the baseline, but for the rule's error.
    """
    total = torch.zeros_like(x)
    for step in range(steps):
        point = (x * ((step + 0.5) / steps)).requires_grad_(True)
        (gradient,) = torch.autograd.grad(network(point)[0, label], point)
        total += gradient
    return (x * total / steps).detach()


def grad_cam(layer: Callable[[Tensor], Tensor], rest: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Grad-CAM (Selvaraju et al. 2017, eq. 1 and 2) on the size of ``x``, (1, ...): 0 where nothing speaks for it.

    ``layer`` gives the feature maps (1, channel, ...) of an input, ``rest`` the score (a scalar) of feature maps; the
    result is scaled to a maximum of 1.
    """
    features = layer(x).detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(rest(features), features)
    places = tuple(range(2, features.dim()))
    weights = gradient.mean(dim=places, keepdim=True)
    found = relu((weights * features).sum(dim=1, keepdim=True)).detach()
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(places)]
    shown = interpolate(found, size=x.shape[2:], mode=mode, align_corners=False)
    top = shown.max()
    return shown / top if float(top) > 0 else shown


def randomised(network: nn.Module, *, seed: int = 0) -> nn.Module:
    """Return a copy of a network whose weights say nothing: each tensor's values in another order."""
    random = torch.Generator().manual_seed(seed)
    copied = copy.deepcopy(network)
    with torch.no_grad():
        for parameter in copied.parameters():
            flat = parameter.flatten()
            parameter.copy_(flat[torch.randperm(len(flat), generator=random)].view_as(parameter))
    return copied


def sanity_check(network: nn.Module, x: Tensor, explain: Explanation, *, seed: int = 0) -> float:
    """How alike the explanations of a network and of its randomised copy are (Adebayo et al. 2018): near 0 is right.

    The rank correlation of their absolute values, -1 to 1. An explanation that does not change when the weights lose
    their meaning tells of the input, not of the network.
    """
    real, empty = explain(network, x).abs().flatten(), explain(randomised(network, seed=seed), x).abs().flatten()
    ranks = torch.stack([_ranks(real), _ranks(empty)])
    return float(torch.corrcoef(ranks)[0, 1])


def _ranks(values: Tensor) -> Tensor:
    ranks = torch.empty_like(values)
    ranks[values.argsort()] = torch.arange(len(values), dtype=values.dtype, device=values.device)
    return ranks
