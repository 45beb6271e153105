"""From a label map to a Segmentation in a file, beside other writers: ``python benchmarks/write.py --rounds 5``.

CT of 300 x 512²; headers and label map are in memory (dcmqi, a program, reads them from the page cache). One process
runs all methods in turn, round after round in an order drawn anew; ratios are medians of the ratios within the rounds.
Memory is measured apart, each method in a process of its own. dcmqi comes with the extra ``test``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch
from machine import describe_machine, markdown_table, median, spread
from pydicom import dcmread
from reading_methods import peak_memory
from rounds import ratio, seconds_by_method
from synthetic_series import write_ct
from writing_methods import BINARY, LABEL_MAP, METHODS, Dcmqi, Input, Method

LIMIT = "the pixel data alone, to a file (limit)"

Frames = dict[tuple[int, float], bytes]
"""The pixels of frames that have any, by segment (0 for all) and height."""


def main() -> None:
    """Measure and print Markdown tables."""
    options = _parser().parse_args()
    if options.memory:
        method, source, segments = options.memory
        print(_peak_growth(METHODS[method], Path(source), int(segments)))
        return
    print(describe_machine(torch.device("cpu")))
    with tempfile.TemporaryDirectory() as folder:
        series = write_ct(Path(folder) / "ct", options.slices, 512)
        for count in options.segments:
            given = Input(series.folder, count, Path(folder))
            _measure(given, BINARY, "highdicom", options.rounds, "one bit a voxel, not compressed")
            _measure(given, LABEL_MAP, "highdicom, RLE", options.rounds, "label maps")


def _measure(given: Input, methods: Mapping[str, Method], reference: str, rounds: int, kind: str) -> None:
    target = given.work / "out"
    target.mkdir(exist_ok=True)
    sizes, frames, pixels = {}, {}, b""
    for name, method in methods.items():
        path = method(given, target)
        sizes[name], frames[name] = path.stat().st_size, frames_of(path)
        if not pixels:
            pixels = dcmread(path).PixelData
        path.unlink()
    runs: dict[str, Callable[[], object]] = {LIMIT: partial((target / "pixels").write_bytes, pixels)}
    runs |= {name: partial(method, given, target) for name, method in methods.items()}
    what = f"{len(given.numbers)} segments, {kind}"
    seconds = seconds_by_method(runs, rounds, what, between=partial(_empty, target))
    expected = next(iter(frames.values()))
    rows = [
        (
            name,
            f"{1000 * median(taken):.0f}",
            spread([1000 * value for value in taken], 0),
            ratio(seconds[reference], taken, 1),
            f"{sizes[name] / 1e6:.2f}" if name in sizes else "–",
            f"{_memory(name, given) / 1e6:.0f}" if name in sizes else "–",
            ("equal" if frames[name] == expected else "DIFFERENT") if name in frames else "–",
        )
        for name, taken in seconds.items()
    ]
    columns = ("method", f"median of {rounds}, ms", "range, ms", f"{reference} ÷", "file, MB", "memory, MB", "pixels")
    print(f"\n{what}: {len(expected)} frames\n")
    print(markdown_table(columns, rows), flush=True)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def frames_of(path: Path) -> Frames:
    """Return the frames of a file; those of one bit a voxel are the bytes of the file."""
    read = dcmread(path)
    groups = read.PerFrameFunctionalGroupsSequence
    if read.SegmentationType == "BINARY":
        size = read.Rows * read.Columns // 8
        planes = [read.PixelData[start : start + size] for start in range(0, len(groups) * size, size)]
    else:
        planes = [plane.tobytes() for plane in read.pixel_array.reshape(-1, read.Rows, read.Columns)]
    shared = read.SharedFunctionalGroupsSequence[0]
    found = {}
    for group, plane in zip(groups, planes, strict=True):
        holder = group if "SegmentIdentificationSequence" in group else shared
        identified = holder.get("SegmentIdentificationSequence")
        number = int(identified[0].ReferencedSegmentNumber) if identified else 0
        height = float(group.PlanePositionSequence[0].ImagePositionPatient[2])
        if any(plane):
            found[number, round(height, 3)] = plane
    return found


def _memory(name: str, given: Input) -> int:
    command = [sys.executable, __file__, "--memory", name, str(given.source), str(len(given.numbers))]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def _peak_growth(method: Method, source: Path, segments: int) -> int:
    """Bytes by which writing raises the process's peak; of a program, its own peak."""
    with tempfile.TemporaryDirectory() as folder:
        work, target = Path(folder), Path(folder) / "out"
        target.mkdir()
        given = Input(source, segments, work)
        # One segment first: libraries are imported, headers are read, and their memory is taken before.
        method(Input(source, 1, work), target)
        given.prepare()
        # Writing 5 sets the peak to what is resident now (proc(5)).
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        before = peak_memory()
        if isinstance(method, Dcmqi):
            return method.peak_memory(given, target)
        method(given, target)
        return peak_memory() - before


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="measured rounds, after one that is not")
    parser.add_argument("--segments", type=int, nargs="+", default=[1, 10, 100], help="how many segments")
    parser.add_argument("--slices", type=int, default=300, help="slices of the CT")
    parser.add_argument("--memory", nargs=3, metavar=("METHOD", "FOLDER", "SEGMENTS"), help="only one method's memory")
    return parser


if __name__ == "__main__":
    main()
