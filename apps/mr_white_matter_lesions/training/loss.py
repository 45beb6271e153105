"""Cross-entropy plus soft Dice (the paper's loss, weights 1 : 1)."""

from __future__ import annotations

import torch
from torch.nn import functional

# Voxels with this label take no part in the loss ("other pathology" of the WMH Challenge).
IGNORE = 255


def cross_entropy_and_dice(logits: torch.Tensor, labels: torch.Tensor, *, smooth: float = 1.0) -> torch.Tensor:
    """L = CE − mean over samples and classes of dice_c, in [−1, ∞).

    dice_c = (2 Σ p g + s) / (2 Σ p g + Σ p (1 − g) + Σ (1 − p) g + s), sums over the voxels of one sample, background
    included, s = ``smooth``. ``logits`` is (batch, class, slice, row, column), ``labels`` (batch, slice, row, column)
    with class indices or :data:`IGNORE`.
    """
    logits = logits.float()
    labels = labels.long()
    known = labels != IGNORE
    log_probabilities = logits.log_softmax(dim=1)
    picked = log_probabilities.gather(1, torch.where(known, labels, 0)[:, None])[:, 0]
    cross_entropy = -(picked * known).sum() / known.sum().clamp(min=1)
    probabilities = log_probabilities.exp() * known[:, None]
    truth = functional.one_hot(torch.where(known, labels, 0), logits.shape[1]).movedim(-1, 1) * known[:, None]
    axes = (2, 3, 4)
    # 2 Σpg + Σp(1−g) + Σ(1−p)g = Σp + Σg
    both = 2 * (probabilities * truth).sum(axes)
    total = probabilities.sum(axes) + truth.sum(axes)
    dice = (both + smooth) / (total + smooth)
    return cross_entropy - dice.mean()
