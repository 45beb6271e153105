"""Losses of segmentation, on logits."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

_SMOOTH = 1e-6


def cross_entropy_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Binary cross-entropy, -(GT log PD + (1 - GT) log(1 - PD)), mean over all pixels; finite at any logit."""
    return binary_cross_entropy_with_logits(logits, truth)


def cross_entropy_and_dice_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Binary cross-entropy plus 1 - Dice of each picture, mean over the batch.

    It is the Dice *loss* that is added: with the coefficient itself, as icpr-09 eq. 8 prints it, a better overlap would
    cost more.
    """
    probability = torch.sigmoid(logits).flatten(1)
    flat = truth.flatten(1)
    overlap = 2 * (probability * flat).sum(dim=1) + _SMOOTH
    dice = overlap / (probability.sum(dim=1) + flat.sum(dim=1) + _SMOOTH)
    return cross_entropy_loss(logits, truth) + (1 - dice).mean()
