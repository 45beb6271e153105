"""Haar pooling in closed form, the network's size, and which way the loss pulls."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from apps.us_joint_effusion.network import HaarPooling, NetworkSettings, SFRSegNet
from operators.learn.losses import cross_entropy_and_dice_loss, cross_entropy_loss

_S = 1 / np.sqrt(2)
_LOW, _HIGH = torch.tensor([_S, _S]), torch.tensor([_S, -_S])


def subband(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """One band of the Haar transform by its definition: filter along rows and columns, keep every second."""
    kernel = torch.outer(rows, columns).to(x.dtype)[None, None]
    return conv2d(x, kernel, stride=2)


@pytest.fixture
def picture() -> Tensor:
    return torch.from_numpy(np.random.default_rng(3).normal(size=(2, 1, 8, 6)))


def test_haar_pooling_is_the_sum_of_three_subbands(picture: Tensor) -> None:
    three = subband(picture, _LOW, _LOW) + subband(picture, _LOW, _HIGH) + subband(picture, _HIGH, _LOW)
    torch.testing.assert_close(HaarPooling()(picture), three, rtol=0, atol=1e-6)


def test_haar_pooling_has_the_closed_form(picture: Tensor) -> None:
    a, b = picture[..., 0::2, 0::2], picture[..., 0::2, 1::2]
    c, d = picture[..., 1::2, 0::2], picture[..., 1::2, 1::2]
    torch.testing.assert_close(HaarPooling()(picture), (3 * a + b + c - d) / 2)


def test_all_four_subbands_are_twice_the_first_pixel(picture: Tensor) -> None:
    diagonal = subband(picture, _HIGH, _HIGH)
    torch.testing.assert_close(HaarPooling()(picture) + diagonal, 2 * picture[..., 0::2, 0::2], rtol=0, atol=1e-6)


def test_a_checkerboard_vanishes_and_a_constant_doubles() -> None:
    rows, columns = torch.meshgrid(torch.arange(6), torch.arange(8), indexing="ij")
    board = (1.0 - 2.0 * ((rows + columns) % 2))[None, None]
    assert not HaarPooling()(board).any()
    torch.testing.assert_close(HaarPooling()(torch.full((1, 3, 4, 4), 0.7)), torch.full((1, 3, 2, 2), 1.4))


def test_odd_sizes_repeat_their_last_row_and_column() -> None:
    odd = torch.rand(1, 2, 5, 7)
    padded = torch.cat([odd, odd[:, :, -1:]], dim=2)
    padded = torch.cat([padded, padded[..., -1:]], dim=3)
    torch.testing.assert_close(HaarPooling()(odd), HaarPooling()(padded))


def test_the_network_has_the_papers_size_and_pooling_adds_nothing() -> None:
    counts = {
        pooling: sum(each.numel() for each in SFRSegNet(NetworkSettings(pooling=pooling)).parameters())
        for pooling in ("haar", "maximum")
    }
    assert counts == {"haar": 1_944_049, "maximum": 1_944_049}


def test_logits_are_as_large_as_the_picture() -> None:
    network = SFRSegNet(NetworkSettings((4, 8, 8), inputs=1)).eval()
    assert network(torch.zeros(2, 1, 32, 48)).shape == (2, 1, 32, 48)


def test_more_overlap_costs_less_unlike_with_the_papers_equation() -> None:
    truth = torch.zeros(1, 1, 8, 8)
    truth[..., 2:6, 2:6] = 1

    def as_printed(logits: Tensor, wanted: Tensor) -> Tensor:
        """Eq. 8: the Dice coefficient itself is added."""
        chance = torch.sigmoid(logits)
        return cross_entropy_loss(logits, wanted) + 2 * (chance * wanted).sum() / (chance.sum() + wanted.sum())

    def dice_slope(loss: object) -> float:
        """Of the loss less its cross-entropy, by a logit inside the truth."""
        logits = torch.zeros(1, 1, 8, 8, requires_grad=True)
        (loss(logits, truth) - cross_entropy_loss(logits, truth)).backward()  # type: ignore[operator]
        assert logits.grad is not None
        return float(logits.grad[0, 0, 3, 3])

    assert dice_slope(cross_entropy_and_dice_loss) < 0
    assert dice_slope(as_printed) > 0
