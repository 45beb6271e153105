"""From a folder of DICOM files to a volume, beside other readers: ``python benchmarks/read.py --rounds 9``.

One process runs all methods in turn, round after round in an order drawn anew, so that whatever else the machine does
meets all of them; ratios are medians of the ratios within the rounds. Files are in the page cache.
Memory is measured apart, each method in a process of its own. To hold all methods to two cores, start it by
``taskset -c 0,1``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from machine import describe_machine, markdown_table, median, spread
from pydicom import dcmread
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless
from reading_methods import (
    COMPARABLE,
    COMPRESSED,
    NATIVE,
    Method,
    dcm2niix,
    dcm2niix_peak,
    gantry,
    peak_memory,
    plain_bytes,
)
from rounds import ratio, seconds_by_method
from synthetic_series import SyntheticSeries, write_ct, write_mr

LIMIT = next(name for name, method in NATIVE.items() if method is plain_bytes)
OURS = next(name for name, method in NATIVE.items() if method is gantry)


@dataclass(frozen=True)
class Task:
    """A series and the methods that read it."""

    series: SyntheticSeries
    methods: Mapping[str, Method]


def main() -> None:
    """Measure and print Markdown tables."""
    options = _parser().parse_args()
    if options.memory:
        print(_peak_growth(NATIVE[options.memory[0]], Path(options.memory[1])))
        return
    print(describe_machine(torch.device("cpu")))
    with tempfile.TemporaryDirectory() as folder:
        for task in _tasks(Path(folder), options.slices):
            _measure(task, options.rounds)


def _tasks(folder: Path, slices: int | None) -> list[Task]:
    return [
        Task(write_ct(folder / "ct", slices or 300, 512), NATIVE),
        Task(write_mr(folder / "mr", slices or 180, 256), NATIVE),
        Task(write_ct(folder / "j2k", slices or 60, 512, JPEG2000Lossless), COMPRESSED),
        Task(write_ct(folder / "jls", slices or 60, 512, JPEGLSLossless), COMPRESSED),
    ]


def _measure(task: Task, rounds: int) -> None:
    methods = {name: partial(method, task.series.folder) for name, method in task.methods.items()}
    seconds = seconds_by_method(methods, rounds, task.series.name)
    array_bytes = gantry(task.series.folder)[0].nbytes
    rows = [
        (
            name,
            f"{1000 * median(taken):.1f}",
            spread([1000 * value for value in taken], 1),
            ratio(taken, seconds.get(LIMIT)),
            ratio(taken, seconds[OURS]),
            f"{_memory(name, task.series.folder) / array_bytes:.2f}",
            _equality(name, task.series),
        )
        for name, taken in seconds.items()
    ]
    columns = ("method", f"median of {rounds}, ms", "range, ms", "÷ limit", "÷ Gantry", "peak memory ÷ array", "array")
    print(f"\n{task.series.name}, {_megabytes(task.series)} MB of files, array of {array_bytes / 1e6:.0f} MB\n")
    print(markdown_table(columns, rows), flush=True)


def _megabytes(series: SyntheticSeries) -> str:
    return f"{sum(path.stat().st_size for path in series.files) / 1e6:.0f}"


def _equality(name: str, series: SyntheticSeries) -> str:
    if name not in COMPARABLE:
        return "–"
    array = COMPARABLE[name](series.folder)[0]
    for found, remark in ((array, ""), (array[::-1], ", slices reversed")):
        if found.shape == series.values.shape and np.array_equal(found, series.values):
            return f"{array.dtype}, right{remark}"
    return f"{array.dtype}, WRONG"


def _memory(name: str, folder: Path) -> int:
    command = [sys.executable, __file__, "--memory", name, str(folder)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def _peak_growth(method: Method, folder: Path) -> int:
    """Bytes by which reading raises the process's peak; of a converter, its whole peak."""
    if method is dcm2niix:
        return dcm2niix_peak(folder)
    with tempfile.TemporaryDirectory() as small:
        # A small series of this kind first: libraries are loaded and their own memory is taken before the measurement.
        syntax = dcmread(next(folder.iterdir()), stop_before_pixels=True).file_meta.TransferSyntaxUID
        method(write_ct(Path(small), 3, 64, syntax).folder)
    # Writing 5 sets the peak to what is resident now (proc(5)).
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = peak_memory()
    result = method(folder)
    grown = peak_memory() - before
    del result
    return grown


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="measured rounds, after one that is not")
    parser.add_argument("--slices", type=int, help="slices of every series instead of the usual ones")
    parser.add_argument("--memory", nargs=2, metavar=("METHOD", "FOLDER"), help="only measure one method's memory")
    return parser


if __name__ == "__main__":
    main()
