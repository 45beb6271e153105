from __future__ import annotations

import math

import pytest
import torch

from operators.learn.losses import cross_entropy_and_dice_loss, cross_entropy_loss


def test_the_cross_entropy_is_that_of_the_definition() -> None:
    logits, truth = torch.tensor([[2.0, -1.0]]), torch.tensor([[1.0, 0.0]])
    probability = torch.sigmoid(logits)
    expected = -(math.log(probability[0, 0]) + math.log(1 - probability[0, 1])) / 2
    assert float(cross_entropy_loss(logits, truth)) == pytest.approx(expected)


@pytest.mark.parametrize("truth", [0.0, 1.0])
def test_it_is_finite_where_the_network_is_sure(truth: float) -> None:
    for logit in (-1e4, 1e4):
        logits = torch.tensor([[logit]], requires_grad=True)
        loss = cross_entropy_loss(logits, torch.tensor([[truth]]))
        loss.backward()
        assert torch.isfinite(loss)
        assert logits.grad is not None
        assert torch.isfinite(logits.grad).all()


def test_a_miss_on_background_costs_what_the_papers_misprint_would_not() -> None:
    # As printed, (1 - GT) (1 - log PD): a confident false positive would cost least.
    background = torch.zeros(1, 1)
    sure, unsure = (float(cross_entropy_loss(torch.tensor([[logit]]), background)) for logit in (4.0, -4.0))
    assert sure > unsure


def test_better_overlap_costs_less() -> None:
    truth = torch.zeros(1, 1, 8, 8)
    truth[..., 2:6, 2:6] = 1
    inside, outside = 8 * truth - 4, -(8 * truth - 4)
    assert float(cross_entropy_and_dice_loss(inside, truth)) < 0.1
    assert float(cross_entropy_and_dice_loss(outside, truth)) > 1.5
