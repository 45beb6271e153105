"""Shape, size and receptive behaviour of the U-Net."""

import pytest
import torch

from apps.mr_white_matter_lesions.network import NetworkSettings, UNet, parameter_count
from apps.mr_white_matter_lesions.training.settings import ROLES, SIZES


@pytest.mark.parametrize(("base", "millions"), [(64, 90.31), (32, 22.58), (16, 5.65)])
def test_parameters_of_the_paper(base: int, millions: float) -> None:
    with torch.device("meta"):
        network = UNet(NetworkSettings.paper(inputs=2, classes=2, base=base))
    assert parameter_count(network) / 1e6 == pytest.approx(millions, abs=0.005)


def test_logits_have_the_size_of_the_volume() -> None:
    settings = NetworkSettings(2, 5, (2, 3, 4), ((1, 2, 2), (2, 2, 2)))
    logits = UNet(settings)(torch.randn(2, 2, 6, 8, 12))
    assert logits.shape == (2, 5, 6, 8, 12)
    assert settings.divisor == (2, 4, 4)


@pytest.mark.parametrize("size", sorted(SIZES))
@pytest.mark.parametrize("target", ["lesions", "regions"])
def test_window_and_patch_fit_the_network(size: str, target: str) -> None:
    for role in ROLES:
        if role.target == target:
            settings = SIZES[size].of(role.target)
            assert all(
                side % divisor == 0
                for sides in (settings.window, settings.patch_size)
                for side, divisor in zip(sides, settings.network(role).divisor, strict=True)
            )


def test_the_shipped_networks_stay_below_twenty_megabytes() -> None:
    with torch.device("meta"):
        total = sum(parameter_count(UNet(SIZES["cpu"].of(role.target).network(role))) for role in ROLES)
    assert 2 * total < 20e6


def test_levels_and_strides_must_agree() -> None:
    with pytest.raises(ValueError, match="3 levels need 2 strides"):
        NetworkSettings(1, 2, (4, 8, 16), ((2, 2, 2),))
