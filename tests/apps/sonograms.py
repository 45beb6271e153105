"""Sonograms of both ultrasound apps as scanners of every kind write them, and what the apps make of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.pixels.processing import convert_color_space
from pydicom.uid import UltrasoundMultiFrameImageStorage

from apps.run import run_app
from operators.outcome import Outcome
from phantoms.frames.common import set_pixels
from phantoms.sonography import Lesion, SimulatedSonogram, WrittenSonogram, simulate_breast, simulate_joint
from phantoms.sonography import write_sonogram as write_as_it_is

STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
Change = Callable[[FileDataset], None]


@dataclass(frozen=True)
class App:
    """An app, its main output, pictures with and without what it seeks, what its series and their part are called."""

    name: str
    output: str
    found: SimulatedSonogram
    nothing: SimulatedSonogram
    description: str
    body_part: str

    def write(self, folder: Path, *pictures: SimulatedSonogram, change: Change | None = None, **how: Any) -> Path:
        """Write pictures as one instance, in grey where nothing else is asked for, then ``change`` it."""
        folder.mkdir(parents=True, exist_ok=True)
        named = {"description": self.description, "BodyPartExamined": self.body_part}
        how = {"pixels": "grey", "seed": 1, **named, **how}
        written: WrittenSonogram = write_as_it_is(pictures or (self.found,), folder, **how)
        if change is not None:
            instance = dcmread(written.path)
            change(instance)
            instance.save_as(written.path)
        return written.path

    def run(self, folder: Path) -> Run:
        """Analyse the study in ``folder``."""
        results = folder.with_name(f"{folder.name} results")
        outcome = run_app(self.name, folder, results, device="cpu", started=STARTED)
        return Run(outcome, {Path(name).stem: dcmread(results / name) for name in outcome.files}, self.output)


@dataclass(frozen=True)
class Run:
    """What came out."""

    outcome: Outcome
    objects: Mapping[str, Dataset]
    output: str

    def outline(self, path: Path) -> NDArray[np.bool_]:
        """Those frames of an instance on which something is outlined, (frame, row, column)."""
        instance = dcmread(path, specific_tags=["SOPInstanceUID"]).SOPInstanceUID
        for segmentation in self.objects.values():
            if segmentation.Modality == "SEG" and instance == _source(segmentation):
                return np.asarray(segmentation.pixel_array.reshape(-1, segmentation.Rows, segmentation.Columns) > 0)
        raise AssertionError(f"nothing is outlined in {path.name}")


def _source(segmentation: Dataset) -> str:
    (instance,) = segmentation.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    return str(instance.ReferencedSOPInstanceUID)


def apps() -> list[App]:
    """Both apps, with pictures that the tests of each use, too."""
    return [
        App(
            "us_breast_lesion",
            "masses",
            simulate_breast(Lesion.BENIGN, seed=12),
            simulate_breast(Lesion.NONE, seed=12),
            "Breast",
            "BREAST",
        ),
        App(
            "us_joint_effusion",
            "effusions",
            simulate_joint(effusion=True, seed=20),
            simulate_joint(effusion=False, seed=22),
            "MCP 2 right",
            "HAND",
        ),
    ]


def frames_of(instance: FileDataset) -> NDArray[np.uint8]:
    """The pixels as (frame, row, column) or (frame, row, column, 3)."""
    pixels = instance.pixel_array
    return pixels if "NumberOfFrames" in instance else pixels[None]


def compressed(syntax: str, **options: Any) -> Change:
    """By pydicom's encoders."""
    return lambda instance: instance.compress(syntax, generate_instance_uid=False, **options)


def as_monochrome1(instance: FileDataset) -> None:
    set_pixels(instance, 255 - frames_of(instance), photometric="MONOCHROME1")


def as_planes(instance: FileDataset) -> None:
    instance.PixelData = instance.pixel_array.transpose(2, 0, 1).tobytes()
    instance.PlanarConfiguration = 1


def as_ybr_full(instance: FileDataset) -> None:
    set_pixels(instance, convert_color_space(frames_of(instance), "RGB", "YBR_FULL"), photometric="YBR_FULL")


def with_bits(stored: int, times: int, **window: float) -> Change:
    """Values of ``stored`` bits, ``times`` those of 8, with a window where one is given."""

    def change(instance: FileDataset) -> None:
        set_pixels(instance, frames_of(instance).astype(np.uint16) * times, bits=stored)
        for keyword, value in window.items():
            setattr(instance, keyword, value)

    return change


def with_overlay(instance: FileDataset) -> None:
    """A bar over the picture in an overlay plane (PS3.3 section C.9.2): drawn by viewers, no part of the pixels."""
    plane = np.zeros((instance.Rows, instance.Columns), np.uint8)
    plane[150:160, 60:280] = 1
    for element, vr, value in (
        (0x0010, "US", instance.Rows),
        (0x0011, "US", instance.Columns),
        (0x0040, "CS", "G"),
        (0x0050, "SS", [1, 1]),
        (0x0100, "US", 1),
        (0x0102, "US", 0),
        (0x3000, "OW", np.packbits(plane.ravel(), bitorder="little").tobytes()),
    ):
        instance.add_new(0x60000000 + element, vr, value)


def in_multi_frame_class(instance: FileDataset) -> None:
    instance.SOPClassUID = instance.file_meta.MediaStorageSOPClassUID = UltrasoundMultiFrameImageStorage
    instance.NumberOfFrames = 1


def of_region(**attributes: float) -> Change:
    """Attributes of the one region."""

    def change(instance: FileDataset) -> None:
        for keyword, value in attributes.items():
            setattr(instance.SequenceOfUltrasoundRegions[0], keyword, value)

    return change


def without_frames(instance: FileDataset) -> None:
    in_multi_frame_class(instance)
    instance.NumberOfFrames = 0
    instance.PixelData = b""


def without_pixels(instance: FileDataset) -> None:
    del instance.PixelData


def cut_short(instance: FileDataset) -> None:
    instance.PixelData = instance.PixelData[: len(instance.PixelData) // 4 * 2]
