"""Choosing the device that networks run on."""

from __future__ import annotations

import re

import torch


def choose_device(name: str = "auto") -> torch.device:
    """The device of a configuration value: "auto" (a GPU where there is one), "cpu", "cuda" or "cuda:N".

    ValueError for any other value, and for a GPU that this machine does not have: a node configured for a GPU must
    not fall back to a CPU in silence.
    """
    if name == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    if name == "cpu":
        return torch.device("cpu")
    if not re.fullmatch(r"cuda(:\d+)?", name):
        raise ValueError(f'device "{name}" is not known: allowed are "auto", "cpu", "cuda" and "cuda:N"')
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    index = int(name.partition(":")[2] or 0)
    if index >= count:
        found = "no CUDA device" if count == 0 else f'"cuda:0" to "cuda:{count - 1}"'
        raise ValueError(f'device "{name}" is not there: this machine has {found}; "auto" and "cpu" always work')
    return torch.device("cuda", index)
