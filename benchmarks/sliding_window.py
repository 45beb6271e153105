"""Our sliding window against MONAI's SlidingWindowInferer: ``python benchmarks/sliding_window.py``.

One process runs all methods in turn, round after round, each round beginning with another one, on the same volume with
the same network, so that whatever else the machine does meets all of them. Ratios are medians of the ratios within the
rounds; nothing else of a table can be compared with another table.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import torch
from machine import describe_machine, markdown_table, median, spread
from monai.inferers import SlidingWindowInferer
from torch import nn

from apps.mr_white_matter_lesions.network import UNet, parameter_count
from apps.mr_white_matter_lesions.training.settings import ROLES, SIZES
from operators.infer.device import choose_device
from operators.infer.sliding_window import sliding_window_logits, window_starts

SHAPE = (60, 250, 202)
"""Voxels of a FLAIR of the simulated scanner, 3 x 0.98 x 1.1 mm."""

Run = Callable[[], torch.Tensor]


@dataclass(frozen=True)
class Method:
    """One way to run the network over the volume, and how many windows it takes."""

    name: str
    overlap: float
    run: Run


def main() -> None:
    """Measure and print a Markdown table."""
    options = _parser().parse_args()
    device = choose_device(options.device)
    if options.threads:
        torch.set_num_threads(options.threads)
    role, settings = ROLES[0], SIZES[options.size].lesions
    torch.manual_seed(0)
    network = UNet(settings.network(role)).eval().to(device)
    volume = torch.randn(role.channels, *options.shape)
    batch = options.batch or (8 if device.type == "cuda" else 1)
    methods = _methods(network, volume, settings.window, batch, device)

    shape = tuple(options.shape)
    print(f"{describe_machine(device)}; {torch.get_num_threads()} threads")
    print(
        f"{parameter_count(network) / 1e6:.2f} M parameters, volume {role.channels} x {' x '.join(map(str, shape))}, "
        f"window {' x '.join(map(str, settings.window))}, {options.rounds} rounds"
    )
    seconds: dict[str, list[float]] = {method.name: [] for method in methods}
    for number in range(options.rounds + 1):
        first = number % len(methods)
        for method in methods[first:] + methods[:first]:
            taken = _seconds(method.run, device)
            # The first round chooses kernels and fills caches.
            if number:
                seconds[method.name].append(taken)
            print(f"round {number}: {taken:8.2f} s  {method.name}", file=sys.stderr, flush=True)
    _print(methods, seconds, shape, settings.window)
    difference = float((methods[1].run() - methods[2].run()).abs().max())
    print(f"\nlargest difference between the logits of the second and the third row: {difference:.1e}")


def _methods(
    network: nn.Module, volume: torch.Tensor, window: tuple[int, int, int], batch: int, device: torch.device
) -> list[Method]:
    def monai(overlap: float, mode: str, windows: int) -> Run:
        inferer = SlidingWindowInferer(roi_size=window, sw_batch_size=windows, overlap=overlap, mode=mode)

        def run() -> torch.Tensor:
            with torch.inference_mode():
                logits: torch.Tensor = inferer(volume[None].to(device), network)[0]
            return logits

        return run

    def ours(overlap: float, autocast: torch.dtype | None) -> Run:
        return lambda: sliding_window_logits(
            network, volume, window=window, overlap=overlap, batch_size=batch, device=device, autocast=autocast
        )

    methods = [
        Method(
            "MONAI, float32, its defaults (overlap 0.25, constant weight, 1 window)", 0.25, monai(0.25, "constant", 1)
        ),
        Method(f"MONAI, float32, overlap 0.5, Gaussian, {batch} windows", 0.5, monai(0.5, "gaussian", batch)),
        Method(f"ours, float32, overlap 0.5, Gaussian, {batch} windows", 0.5, ours(0.5, None)),
        Method(f"ours, float32, overlap 0.25, Gaussian, {batch} windows", 0.25, ours(0.25, None)),
    ]
    if device.type == "cuda":
        methods += [
            Method(f"ours, bfloat16, overlap 0.5, Gaussian, {batch} windows", 0.5, ours(0.5, torch.bfloat16)),
            Method(f"ours, bfloat16, overlap 0.25, Gaussian, {batch} windows", 0.25, ours(0.25, torch.bfloat16)),
        ]
    return methods


def _seconds(run: Run, device: torch.device) -> float:
    begin = time.perf_counter()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - begin


def _print(
    methods: list[Method], seconds: dict[str, list[float]], shape: tuple[int, ...], window: tuple[int, ...]
) -> None:
    def speed(method: Method, reference: Method) -> str:
        pairs = zip(seconds[reference.name], seconds[method.name], strict=True)
        return f"{median([base / taken for base, taken in pairs]):.2f}"

    rows = []
    for method in methods:
        taken = seconds[method.name]
        windows = prod(
            len(window_starts(length, side, method.overlap)) for length, side in zip(shape, window, strict=True)
        )
        rows.append(
            (
                method.name,
                str(windows),
                f"{median(taken):.2f}",
                spread(taken),
                f"{1 / median(taken):.3f}",
                f"{windows / median(taken):.1f}",
                speed(method, methods[0]),
                speed(method, methods[1]),
            )
        )
    columns = (
        "method",
        "windows",
        "median s",
        "range s",
        "volumes/s",
        "windows/s",
        "volumes/s ÷ MONAI's defaults",
        "volumes/s ÷ MONAI at 0.5",
    )
    print("\n" + markdown_table(columns, rows))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--size", choices=sorted(SIZES), default="cpu", help="network and window of this training size")
    parser.add_argument("--shape", type=int, nargs=3, default=SHAPE, help="slices, rows and columns of the volume")
    parser.add_argument("--rounds", type=int, default=4, help="measured rounds, after one that is not")
    parser.add_argument("--batch", type=int, default=0, help="windows at once; 0: 8 on a GPU, 1 on a CPU")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: torch's choice")
    return parser


if __name__ == "__main__":
    main()
