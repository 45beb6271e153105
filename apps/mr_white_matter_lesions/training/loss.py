"""Cross-entropy plus soft Dice (the paper's loss, weights 1 : 1)."""

from __future__ import annotations

import torch

# Voxels with this label take no part in the loss ("other pathology" of the WMH Challenge).
IGNORE = 255


def cross_entropy_and_dice(
    logits: torch.Tensor, labels: torch.Tensor, *, class_weights: torch.Tensor | None = None, smooth: float = 1.0
) -> torch.Tensor:
    """L = CE − mean over samples and classes of dice_c, in [−1, ∞).

    dice_c = (2 Σ p g + s) / (2 Σ p g + Σ p (1 − g) + Σ (1 − p) g + s), sums over the voxels of one sample, background
    included, s = ``smooth``. ``logits`` is (batch, class, slice, row, column), ``labels`` (batch, slice, row, column)
    with class indices or :data:`IGNORE`. ``class_weights`` (class,) make the cross-entropy a weighted mean; without
    them every voxel counts the same, as in the paper.
    """
    batch, classes = logits.shape[:2]
    log_probabilities = logits.float().flatten(2).log_softmax(dim=1)
    labels = labels.long().flatten(1)
    known = labels != IGNORE
    truth = torch.where(known, labels, 0)
    # Σ p g needs the probability of the true class only: no one-hot copy of 35 classes has to be made.
    log_true = log_probabilities.gather(1, truth[:, None])[:, 0]
    weights = known.float() if class_weights is None else class_weights[truth] * known
    cross_entropy = -(log_true * weights).sum() / weights.sum().clamp(min=1e-6)
    zeros = log_true.new_zeros(batch, classes)
    overlap = zeros.scatter_add(1, truth, log_true.exp() * known)
    present = zeros.scatter_add(1, truth, known.float())
    probabilities = log_probabilities.exp()
    if not bool(known.all()):
        probabilities = probabilities * known[:, None]
    # 2 Σ p g + Σ p (1 − g) + Σ (1 − p) g = Σ p + Σ g
    dice = (2 * overlap + smooth) / (probabilities.sum(dim=2) + present + smooth)
    return cross_entropy - dice.mean()
