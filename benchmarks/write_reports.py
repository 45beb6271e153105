"""From numbers to a TID 1500 report in a file, beside other writers: ``python benchmarks/write_reports.py --rounds 5``.

The image library has every image of a CT series; the groups have five numbers each and refer to a segment. Headers are
in memory (dcmqi, a program, reads them from the page cache). Ratios are medians of the ratios within the rounds.
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path

import torch
from machine import describe_machine, markdown_table, median, spread
from report_methods import REPORT_METHODS, ReportInput, numbers_of
from rounds import ratio, seconds_by_method
from synthetic_series import write_ct

REFERENCE = "highdicom"


def main() -> None:
    """Measure and print Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="rounds after the first, which is not counted")
    parser.add_argument("--slices", type=int, default=300, help="images of the series")
    parser.add_argument("--groups", type=int, nargs="+", default=[1, 10, 100], help="how many measurement groups")
    options = parser.parse_args()
    print(describe_machine(torch.device("cpu")))
    with tempfile.TemporaryDirectory() as folder:
        series = write_ct(Path(folder) / "ct", options.slices, 512)
        for groups in options.groups:
            measure_reports(series.folder, Path(folder), groups, options.rounds)


def measure_reports(source: Path, work: Path, groups: int, rounds: int) -> None:
    """Print a table of the writers' times for a report of ``groups`` on the series in the folder ``source``."""
    given = ReportInput(source, groups, work)
    given.prepare()
    target = work / "reports"
    target.mkdir(exist_ok=True)
    sizes, contents = {}, {}
    for name, method in REPORT_METHODS.items():
        path = method(given, target)
        sizes[name], contents[name] = path.stat().st_size, numbers_of(path)
    methods = {name: partial(method, given, target) for name, method in REPORT_METHODS.items()}
    seconds = seconds_by_method(methods, rounds, f"{groups} groups")
    expected = next(iter(contents.values()))
    rows = [
        (
            name,
            f"{1000 * median(taken):.0f}",
            spread([1000 * value for value in taken], 0),
            ratio(seconds[REFERENCE], taken, 1),
            f"{sizes[name] / 1e3:.0f}",
            "equal" if contents[name] == expected else "DIFFERENT",
        )
        for name, taken in seconds.items()
    ]
    columns = ("method", f"median of {rounds}, ms", "range, ms", f"{REFERENCE} ÷", "file, kB", "images and numbers")
    print(f"\n{groups} groups of 5 numbers, a library of {expected[0]} images\n")
    print(markdown_table(columns, rows), flush=True)


if __name__ == "__main__":
    main()
