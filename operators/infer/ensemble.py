"""Several opinions on one volume made into one."""

from __future__ import annotations

from collections.abc import Iterable

import torch


def average_probabilities(probabilities: Iterable[torch.Tensor]) -> torch.Tensor:
    """Mean of class probabilities (class, slice, row, column) of several networks or inputs.

    The members are averaged after the softmax (the paper's fusion rule), one at a time, so that a generator needs
    memory for two of them only. ValueError when there is none or their shapes differ.
    """
    total: torch.Tensor | None = None
    count = 0
    for member in probabilities:
        if total is None:
            total = member.float().clone()
        elif member.shape != total.shape:
            raise ValueError(f"shapes differ: {tuple(total.shape)} and {tuple(member.shape)}")
        else:
            total += member
        count += 1
    if total is None:
        raise ValueError("nothing to average")
    return total / count


def entropy(probabilities: torch.Tensor) -> torch.Tensor:
    """Shannon entropy of each voxel over the classes, divided by its maximum log K: 0 certain, 1 undecided.

    ``probabilities`` is (class, slice, row, column), the result (slice, row, column).
    """
    value = -(probabilities * probabilities.clamp(min=1e-12).log()).sum(dim=0)
    return value / torch.log(torch.tensor(float(probabilities.shape[0])))
