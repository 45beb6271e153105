"""Choosing a device by its configured name."""

import pytest
import torch

from operators.infer.device import choose_device


def test_cpu_and_auto() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "", "mps"])
def test_an_unknown_name_says_what_is_allowed(name: str) -> None:
    with pytest.raises(ValueError, match='allowed are "auto", "cpu", "cuda" and "cuda:N"'):
        choose_device(name)


def test_a_gpu_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match="this machine has"):
        choose_device("cuda:99")
