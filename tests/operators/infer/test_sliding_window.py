"""Sliding window against MONAI's, against known answers, and under memory shortage."""

import pytest
import torch
from monai.inferers import SlidingWindowInferer
from torch import nn

from operators.infer.sliding_window import (
    gaussian_weight,
    sliding_window,
    sliding_window_logits,
    window_starts,
)


def small_network(inputs: int = 2, classes: int = 3) -> nn.Module:
    torch.manual_seed(0)
    # Instance normalisation makes the answer depend on the whole window: a wrong window shows.
    return nn.Sequential(
        nn.Conv3d(inputs, 4, 3, padding=1),
        nn.InstanceNorm3d(4, affine=True),
        nn.LeakyReLU(0.01),
        nn.Conv3d(4, classes, 1),
    ).eval()


@pytest.mark.parametrize("shape", [(21, 40, 33), (8, 16, 16), (5, 11, 40), (30, 9, 17)])
@pytest.mark.parametrize("overlap", [0.5, 0.25])
def test_logits_equal_monai(shape: tuple[int, int, int], overlap: float) -> None:
    network = small_network()
    volume = torch.randn(2, *shape)
    inferer = SlidingWindowInferer(
        roi_size=(8, 16, 16), sw_batch_size=3, overlap=overlap, mode="gaussian", padding_mode="replicate"
    )
    with torch.inference_mode():
        expected = inferer(volume[None], network)[0]

    logits = sliding_window_logits(network, volume, window=(8, 16, 16), overlap=overlap, batch_size=3)

    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=0)


def test_a_network_that_changes_nothing_gives_the_volume_back() -> None:
    volume = torch.randn(3, 17, 23, 19)
    logits = sliding_window_logits(nn.Identity(), volume, window=(8, 8, 8))
    torch.testing.assert_close(logits, volume, atol=1e-5, rtol=0)
    torch.testing.assert_close(sliding_window(nn.Identity(), volume, window=(8, 8, 8)), volume.softmax(0))


def test_the_softmax_is_not_sharper_where_windows_overlap() -> None:
    constant = torch.zeros(2, 20, 20, 20)
    constant[1] = 1.0
    probabilities = sliding_window(nn.Identity(), constant, window=(8, 8, 8))
    assert float(probabilities[1].std()) < 1e-6
    assert float(probabilities[1].mean()) == pytest.approx(float(torch.tensor([0.0, 1.0]).softmax(0)[1]))


def test_volume_smaller_than_the_window() -> None:
    volume = torch.randn(2, 3, 5, 4)
    seen: list[torch.Size] = []

    class Watching(nn.Module):
        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            seen.append(batch.shape)
            return batch

    logits = sliding_window_logits(Watching(), volume, window=(8, 8, 8))
    assert seen == [torch.Size([1, 2, 8, 8, 8])]
    torch.testing.assert_close(logits, volume)


@pytest.mark.parametrize("batch_size", [1, 2, 5, 100])
def test_the_batch_size_does_not_change_the_answer(batch_size: int) -> None:
    network, volume = small_network(), torch.randn(2, 20, 30, 25)
    one = sliding_window_logits(network, volume, window=(8, 16, 16), batch_size=1)
    several = sliding_window_logits(network, volume, window=(8, 16, 16), batch_size=batch_size)
    torch.testing.assert_close(several, one, atol=1e-5, rtol=0)


class Greedy(nn.Module):
    """A real network on a device with memory for so many windows at once."""

    def __init__(self, network: nn.Module, most: int) -> None:
        super().__init__()
        self.network, self.most = network, most
        self.batches: list[int] = []

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        self.batches.append(len(batch))
        # The second batch fails: a part of the volume has been accumulated by then.
        if len(batch) > self.most and len(self.batches) > 1:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        result: torch.Tensor = self.network(batch)
        return result


def test_out_of_memory_begins_again_with_smaller_batches() -> None:
    network, volume = small_network(), torch.randn(2, 20, 30, 25)
    expected = sliding_window_logits(network, volume, window=(8, 16, 16), batch_size=1)
    greedy = Greedy(network, most=2)

    logits = sliding_window_logits(greedy, volume, window=(8, 16, 16), batch_size=8)

    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=0)
    assert greedy.batches[:3] == [8, 8, 4]
    assert set(greedy.batches[4:]) <= {1, 2}


def test_out_of_memory_with_one_window_is_raised() -> None:
    greedy = Greedy(small_network(), most=0)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        sliding_window(greedy, torch.randn(2, 20, 30, 25), window=(8, 16, 16), batch_size=4)


def test_windows_cover_an_axis_and_end_with_it() -> None:
    assert window_starts(10, 10, 0.5) == [0]
    assert window_starts(21, 8, 0.5) == [0, 4, 8, 12, 13]
    assert window_starts(16, 8, 0.0) == [0, 8]


def test_weight_is_largest_in_the_middle_and_never_zero() -> None:
    weight = gaussian_weight((8, 9, 9), torch.device("cpu"))
    assert weight.shape == (8, 9, 9)
    assert float(weight.min()) == pytest.approx(1e-3)
    assert weight[3, 4, 4] == weight.max() == weight[4, 4, 4]


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"overlap": 1.0}, "overlap"), ({"window": (8, 8)}, "window three"), ({"batch_size": 0}, "at least one")],
)
def test_wrong_settings_are_errors(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sliding_window(nn.Identity(), torch.zeros(1, 8, 8, 8), **{"window": (8, 8, 8), **settings})  # type: ignore[arg-type]
