from __future__ import annotations

import pytest
import torch

from apps.us_breast_lesion.network import GlobalConvolution, NetworkSettings, UNetGCN

PAPER = (32, 64, 128, 256, 512, 1024)


def parameters(kernel: int) -> int:
    with torch.device("meta"):
        network = UNetGCN(NetworkSettings(PAPER, kernel))
    return sum(each.numel() for each in network.parameters())


@pytest.mark.parametrize("kernel", [3, 5, 7])
def test_a_global_convolution_sees_exactly_k_by_k_pixels(kernel: int) -> None:
    torch.manual_seed(0)
    block = GlobalConvolution(2, kernel)
    for name, each in block.named_parameters():
        torch.nn.init.zeros_(each) if name.endswith("bias") else torch.nn.init.uniform_(each, 0.1, 1)
    impulse = torch.zeros(1, 2, 21, 21)
    impulse[0, 0, 10, 10] = 1
    found = block(impulse)[0].detach()
    half = kernel // 2
    support = torch.zeros(21, 21, dtype=torch.bool)
    support[10 - half : 10 + half + 1, 10 - half : 10 + half + 1] = True
    for channel in found:
        assert ((channel != 0) == support).all()


def test_it_is_a_sum_of_separable_kernels() -> None:
    torch.manual_seed(1)
    block = GlobalConvolution(1, 7)
    impulse = torch.zeros(1, 1, 15, 15)
    impulse[..., 7, 7] = 1
    with torch.no_grad():
        response = (block(impulse) - block(torch.zeros_like(impulse)))[0, 0, 4:11, 4:11]
    # Each branch is a column times a row: together of rank two, where a kernel of 7 x 7 may have seven.
    assert torch.linalg.matrix_rank(response, atol=1e-6) == 2


def test_blocks_that_pass_their_input_on_leave_a_plain_u_net() -> None:
    torch.manual_seed(2)
    network = UNetGCN(NetworkSettings((4, 4, 4), 7)).eval()
    plain = UNetGCN(NetworkSettings((4, 4, 4), 0)).eval()
    plain.load_state_dict({name: each for name, each in network.state_dict().items() if name in plain.state_dict()})
    for skip in network.skips:
        if isinstance(skip, GlobalConvolution):
            _as_identity(skip)
    x = torch.rand(1, 1, 32, 32)
    assert torch.allclose(network(x), plain(x), atol=1e-5)


def _as_identity(block: GlobalConvolution) -> None:
    """Weights with which a block gives its input: one branch passes it on, the other gives nothing."""
    with torch.no_grad():
        for each in block.parameters():
            each.zero_()
        for convolution in block.down_first:
            assert isinstance(convolution, torch.nn.Conv2d)
            rows, columns = convolution.kernel_size
            for channel in range(convolution.in_channels):
                convolution.weight[channel, channel, rows // 2, columns // 2] = 1


def test_the_blocks_cost_as_many_parameters_as_in_the_paper() -> None:
    # icpr-08: 39 million without, 80 with them; computed for this ladder: 39.1 million more.
    assert parameters(7) - parameters(0) == pytest.approx(39.1e6, rel=0.05)
    assert parameters(3) < parameters(5) < parameters(7)


@pytest.mark.parametrize("size", [(32, 32), (32, 64)])
def test_logits_have_the_size_of_the_picture(size: tuple[int, int]) -> None:
    network = UNetGCN(NetworkSettings((4, 6, 8, 10), 7)).eval()
    x = torch.rand(2, 1, *size)
    assert network(x).shape == (2, 1, *size)
    assert network.features(x)[-1].shape[2:] == (size[0] // 8, size[1] // 8)
    assert network.embed(x).shape == (2, 20)


def test_256_pixels_come_down_to_8() -> None:
    with torch.device("meta"):
        network = UNetGCN(NetworkSettings(PAPER, 7))
        assert network.features(torch.empty(1, 1, 256, 256))[-1].shape == (1, 1024, 8, 8)
