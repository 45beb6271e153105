"""Pixels are as many as the header says, and in each segment as many as the app has measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.dataset import FileDataset

from deploy.node.verify.pixels import count_segment_voxels
from deploy.node.verify.result_file import read_result
from operators.provenance import Analysis
from tests.deploy.node.verify.made import Run, run_of
from tests.operators.write.every_object import EVERY_OBJECT

SEGMENTATIONS = [name for name in EVERY_OBJECT if name.startswith("segmentation")]


def expect(run: Run, counts: dict[int, int] | None) -> None:
    run.outcome = run.outcome.model_copy(update={"segment_voxels": {} if counts is None else {"lesions": counts}})


@pytest.mark.parametrize("name", SEGMENTATIONS)
def test_voxels_are_counted_in_every_form(name: str, analysis: Analysis, tmp_path: Path) -> None:
    made = EVERY_OBJECT[name](analysis)
    run = run_of(made, analysis, tmp_path)
    assert count_segment_voxels(read_result(run.path)) == made.segment_voxels["lesions"]


@pytest.mark.parametrize("name", SEGMENTATIONS)
def test_one_voxel_more_or_less_is_found(name: str, analysis: Analysis, tmp_path: Path) -> None:
    made = EVERY_OBJECT[name](analysis)
    run = run_of(made, analysis, tmp_path)
    right = dict(made.segment_voxels["lesions"])
    for difference in (1, -1):
        expect(run, {**right, 1: right[1] + difference})
        assert run.problems() == [
            f"lesions.dcm: segment 1 has {right[1]} voxels, the app measured {right[1] + difference}"
        ]
    expect(run, {**right, 9: 4})
    assert "lesions.dcm: segment 9 is not described, the app measured 4 voxels" in run.problems()
    expect(run, None)
    assert "lesions.dcm: the outcome does not count this Segmentation's voxels" in run.problems()


def flip(dataset: FileDataset, at: int, value: int) -> None:
    pixels = bytearray(dataset.PixelData)
    pixels[at] = value
    dataset.PixelData = bytes(pixels)


def test_a_voxel_that_was_drawn_otherwise_is_found(analysis: Analysis, tmp_path: Path) -> None:
    for name, said in (("segmentation", "segment 1 has 31"), ("segmentation, label map", "segment 2 has 2")):
        (tmp_path / name).mkdir()
        run = run_of(EVERY_OBJECT[name](analysis), analysis, tmp_path / name)
        run.change(lambda dataset, value=1 if name == "segmentation" else 2: flip(dataset, 0, value))  # type: ignore[misc]
        assert any(said in problem for problem in run.problems()), run.problems()


def test_a_label_that_is_not_described_is_found(analysis: Analysis, tmp_path: Path) -> None:
    run = run_of(EVERY_OBJECT["segmentation, label map"](analysis), analysis, tmp_path)
    run.change(lambda dataset: flip(dataset, 0, 77))
    assert any("voxels of the segments 77, which are not described" in problem for problem in run.problems())


def test_segments_are_counted_of_segmentations_only(analysis: Analysis, tmp_path: Path) -> None:
    run = run_of(EVERY_OBJECT["secondary capture"](analysis), analysis, tmp_path)
    run.outcome = run.outcome.model_copy(update={"segment_voxels": {"summary": {1: 1}}})
    assert "summary.dcm: the outcome counts segments, but the object is no Segmentation" in run.problems()


WRONG: dict[str, tuple[str, Callable[[FileDataset], object], str]] = {
    "more bytes": (
        "secondary capture",
        lambda d: setattr(d, "PixelData", d.PixelData + b"\0\0"),
        "the header says 216",
    ),
    "more rows": ("secondary capture", lambda d: setattr(d, "Rows", 9), "216 bytes of pixel data, the header says 243"),
    "more frames": (
        "segmentation",
        lambda d: setattr(d, "NumberOfFrames", 9),
        "bytes of pixel data, the header says 135",
    ),
    "few fragments": (
        "segmentation, label map in RLE",
        lambda d: setattr(d, "NumberOfFrames", 99),
        "fragments of pixel data for 99 frames",
    ),
    "more bits": ("secondary capture", lambda d: setattr(d, "BitsStored", 12), "12 of 8 allocated bits are stored"),
    "other high bit": ("secondary capture", lambda d: setattr(d, "HighBit", 6), "HighBit is 6 for 8 stored bits"),
    "one sample": ("secondary capture", lambda d: setattr(d, "SamplesPerPixel", 1), "RGB has 1 samples per pixel"),
    "short floats": ("parametric map", lambda d: setattr(d, "BitsAllocated", 16), "has 16 bits allocated, not 32"),
}


@pytest.mark.parametrize("what", WRONG)
def test_pixels_and_header_have_to_agree(what: str, analysis: Analysis, tmp_path: Path) -> None:
    name, change, said = WRONG[what]
    run = run_of(EVERY_OBJECT[name](analysis), analysis, tmp_path)
    run.change(change)
    assert any(said in problem for problem in run.problems()), run.problems()
