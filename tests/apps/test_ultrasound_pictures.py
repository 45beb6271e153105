"""Ultrasound as scanners of every kind write it, through both apps from file to result: right, or refused by name."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread, examples, uid
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate

from operators.learn.scores import dice
from phantoms.frames.ultrasound import doppler, tissue
from tests.apps.sonograms import (
    App,
    Run,
    apps,
    as_monochrome1,
    as_planes,
    as_ybr_full,
    compressed,
    cut_short,
    in_multi_frame_class,
    of_region,
    with_bits,
    with_overlay,
    without_frames,
    without_pixels,
)

PICTURE = np.s_[24:280, 40:296]
"""Where the picture stands on the screen."""
SPECTRUM = doppler((300, 24, 380, 279), 0.01, 1.0, 20).item()
TISSUE = tissue((40, 24, 295, 279), 0.015).item()
LEFT, RIGHT = tissue((40, 24, 150, 279), 0.015).item(), tissue((151, 24, 295, 279), 0.015).item()

STORED: dict[str, dict[str, Any]] = {
    "RGB": {"pixels": "rgb"},
    "RGB by plane": {"pixels": "rgb", "change": as_planes},
    "palette": {"pixels": "palette"},
    "MONOCHROME1": {"change": as_monochrome1},
    "JPEG 2000": {"change": compressed(uid.JPEG2000Lossless)},
    "JPEG 2000, colour": {"pixels": "rgb", "change": compressed(uid.JPEG2000Lossless)},
    "JPEG-LS": {"change": compressed(uid.JPEGLSLossless)},
    "JPEG-LS, colour": {"pixels": "rgb", "change": compressed(uid.JPEGLSLossless)},
    "RLE": {"pixels": "rgb", "change": compressed(uid.RLELossless)},
    "16 bits": {"change": with_bits(16, 257)},
    "16 bits, windowed": {"change": with_bits(16, 1, WindowCenter=128, WindowWidth=256)},
    "a clip of one frame": {"change": in_multi_frame_class},
    "overlay plane": {"change": with_overlay},
    "spectrum beside": {"SequenceOfUltrasoundRegions": [TISSUE, SPECTRUM]},
    "spectrum first": {"SequenceOfUltrasoundRegions": [SPECTRUM, TISSUE]},
    "delta of 0": {"change": of_region(PhysicalDeltaX=0.0)},
    "no units": {"change": of_region(PhysicalUnitsXDirection=0, PhysicalUnitsYDirection=0)},
}
"""The same picture however it is stored, without loss."""

STORED_WITH_LOSS: dict[str, dict[str, Any]] = {
    "YBR_FULL": {"pixels": "rgb", "change": as_ybr_full},
    "YBR_FULL_422, JPEG baseline": {"pixels": "jpeg"},
    "JPEG 2000 with loss": {"change": compressed(uid.JPEG2000, j2k_cr=[8])},
    "12 bits": {"change": with_bits(12, 16)},
}

SPOILT: dict[str, tuple[dict[str, Any], str, str]] = {
    "two pictures": ({"SequenceOfUltrasoundRegions": [LEFT, RIGHT]}, "unsupported-pixel-format", "2 regions of tissue"),
    "spectrum": ({"SequenceOfUltrasoundRegions": [SPECTRUM]}, "unsupported-pixel-format", "no two-dimensional region"),
    "region outside": (
        {"change": of_region(RegionLocationMinX0=1500, RegionLocationMaxX1=2000)},
        "unsupported-pixel-format",
        "outside its frames",
    ),
    "turned region": ({"change": of_region(RegionLocationMaxX1=10)}, "missing-geometry", "from 40, 24 to 10, 279"),
    "pixels of centimetres": (
        {"change": of_region(PhysicalDeltaX=1.5, PhysicalDeltaY=1.5)},
        "missing-geometry",
        "3840 x 3840 mm by its own scale",
    ),
    "pixels of nanometres": ({"change": of_region(PhysicalDeltaY=1.5e-6)}, "missing-geometry", "cannot be right"),
    "empty clip": ({"change": without_frames}, "unsupported-pixel-format", "0 frames"),
    "no pixels": ({"change": without_pixels}, "truncated-pixel-data", "no pixel data"),
    "half a picture": ({"change": cut_short}, "truncated-pixel-data", "header announces"),
    "the whole screen": ({"SequenceOfUltrasoundRegions": None}, "domain-shift", "0 of 1 frames"),
}


@dataclass(frozen=True)
class Study:
    """Instances by what they are, after one that is stored plainly, and the run on them."""

    paths: Mapping[str, Path]
    run: Run

    def outline(self, kind: str = "plain") -> NDArray[np.bool_]:
        return self.run.outline(self.paths[kind])


@pytest.fixture(scope="module", params=apps(), ids=lambda app: app.name)
def app(request: pytest.FixtureRequest) -> App:
    found: App = request.param
    return found


def study(app: App, folder: Path, kinds: Mapping[str, Mapping[str, Any]]) -> Study:
    """One series with an instance of each kind."""
    all_kinds: dict[str, Mapping[str, Any]] = {"plain": {}, **kinds}
    paths = {
        kind: app.write(folder / "study", instance=number, **how)
        for number, (kind, how) in enumerate(all_kinds.items(), start=1)
    }
    return Study(paths, app.run(folder / "study"))


@pytest.fixture(scope="module")
def stored(app: App, tmp_path_factory: pytest.TempPathFactory) -> Study:
    return study(app, tmp_path_factory.mktemp("stored"), STORED | STORED_WITH_LOSS)


@pytest.fixture(scope="module")
def spoilt(app: App, tmp_path_factory: pytest.TempPathFactory) -> Study:
    return study(app, tmp_path_factory.mktemp("spoilt"), {kind: how for kind, (how, _, _) in SPOILT.items()})


def test_what_is_sought_is_outlined(app: App, stored: Study) -> None:
    assert dice(stored.outline()[0][PICTURE], app.found.mask) > 0.85


@pytest.mark.parametrize("kind", STORED)
def test_however_a_picture_is_stored_the_same_is_outlined(stored: Study, kind: str) -> None:
    np.testing.assert_array_equal(stored.outline(kind), stored.outline())


@pytest.mark.parametrize("kind", STORED_WITH_LOSS)
def test_what_loses_a_little_changes_little(stored: Study, kind: str) -> None:
    assert dice(stored.outline(kind)[0], stored.outline()[0]) > 0.97


@pytest.mark.parametrize("kind", SPOILT)
def test_what_cannot_be_analysed_is_refused_by_name_and_the_rest_is_analysed(spoilt: Study, kind: str) -> None:
    _, reason, said = SPOILT[kind]
    number = list(spoilt.paths).index(kind) + 1
    gates = [gate for gate in spoilt.run.outcome.gates if gate.subject == f"instance {number}"]
    assert [gate.reason for gate in gates if not gate.passed] == [reason]
    assert said in gates[-1].detail
    assert said in spoilt.run.objects["report"].to_json()
    assert spoilt.run.outcome.status == "analysed"
    assert spoilt.outline().any()


@pytest.mark.parametrize("kind", ["half a picture", "two pictures"])
def test_a_study_of_nothing_else_is_refused(app: App, kind: str, tmp_path: Path) -> None:
    how, reason, said = SPOILT[kind]
    app.write(tmp_path / "study", **how)
    found = app.run(tmp_path / "study")
    assert (found.outcome.status, found.outcome.reason) == ("refused", reason)
    assert said in found.outcome.detail
    assert said in found.objects["report"].to_json()


def test_a_region_that_reaches_beyond_the_frame_is_cut(app: App, stored: Study, tmp_path: Path) -> None:
    beyond = of_region(RegionLocationMaxX1=400, RegionLocationMaxY1=300)
    path = app.write(tmp_path / "study", screen=False, change=beyond)
    np.testing.assert_array_equal(app.run(tmp_path / "study").outline(path)[0], stored.outline()[0][PICTURE])


def test_a_region_without_a_scale_gives_no_lengths(app: App, tmp_path: Path) -> None:
    app.write(tmp_path / "study", change=of_region(PhysicalDeltaX=0.0))
    found = app.run(tmp_path / "study")
    assert "not calibrated" in found.outcome.summary
    assert "mm" not in found.outcome.summary
    assert "PixelMeasuresSequence" not in found.objects[app.output].SharedFunctionalGroupsSequence[0]


def test_of_several_series_one_is_analysed_and_the_others_are_named(app: App, tmp_path: Path) -> None:
    app.write(tmp_path / "study", number=1)
    for instance in (1, 2):
        app.write(tmp_path / "study", app.nothing, number=2, instance=instance)
    found = app.run(tmp_path / "study")
    assert [decision.chosen for decision in found.outcome.decisions] == [False, True]
    assert "instances" in found.outcome.decisions[0].reason
    assert app.output not in found.objects


def test_frames_with_and_without_a_finding_and_clips_of_different_length(
    app: App, stored: Study, tmp_path: Path
) -> None:
    first = app.write(tmp_path / "study", app.found, app.nothing, app.found, instance=1)
    app.write(tmp_path / "study", app.nothing, app.nothing, instance=2)
    third = app.write(tmp_path / "study", app.nothing, app.found, instance=3, pixels="rgb")
    found = app.run(tmp_path / "study")
    assert "7 of 7 frames analysed" in found.outcome.summary
    (plain,) = stored.outline()
    np.testing.assert_array_equal(found.outline(first), [plain, plain])
    np.testing.assert_array_equal(found.outline(third), [plain])
    for output, frames in ((app.output, [1, 3]), (f"{app.output}_2", [2])):
        planes = found.objects[output].PerFrameFunctionalGroupsSequence
        sources = [plane.DerivationImageSequence[0].SourceImageSequence[0] for plane in planes]
        assert [source.ReferencedFrameNumber for source in sources] == frames


def test_a_clip_that_is_stored_as_video(app: App, stored: Study, tmp_path: Path) -> None:
    av = pytest.importorskip("av")

    def as_video(instance: FileDataset) -> None:
        target = io.BytesIO()
        with av.open(target, "w", format="mp4") as output:
            stream = output.add_stream("libx264", rate=25)
            stream.height, stream.width, stream.pix_fmt, stream.options = 320, 392, "yuv420p", {"crf": "4"}
            pictures = [av.VideoFrame.from_ndarray(frame, format="rgb24") for frame in instance.pixel_array]
            for packet in (packet for picture in [*pictures, None] for packet in stream.encode(picture)):
                output.mux(packet)
        instance.PixelData = encapsulate([target.getvalue()], has_bot=False)
        instance["PixelData"].is_undefined_length = True
        instance.PhotometricInterpretation = "YBR_PARTIAL_420"
        instance.file_meta.TransferSyntaxUID = uid.MPEG4HP41
        instance.LossyImageCompression, instance.LossyImageCompressionMethod = "01", "ISO_14496_10"

    path = app.write(tmp_path / "study", app.nothing, app.found, pixels="rgb", change=as_video)
    found = app.run(tmp_path / "study")
    (outline,) = found.outline(path)
    assert dice(outline, stored.outline()[0]) > 0.95
    (plane,) = found.objects[app.output].PerFrameFunctionalGroupsSequence
    assert plane.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber == 2


def test_instances_of_one_number_are_told_apart(app: App, tmp_path: Path) -> None:
    for instance in (1, 2):
        app.write(tmp_path / "study", instance=instance, InstanceNumber=1)
    found = app.run(tmp_path / "study")
    assert found.outcome.status == "analysed"
    assert {app.output, f"{app.output}_2"} < found.objects.keys()


def test_what_is_left_out_stands_in_the_summary(app: App, tmp_path: Path) -> None:
    app.write(tmp_path / "study", instance=1)
    for instance in (2, 3):
        app.write(tmp_path / "study", instance=instance, change=cut_short)
    found = app.run(tmp_path / "study")
    assert found.outcome.status == "analysed"
    assert found.outcome.summary.endswith(
        "1 of 1 frames analysed; 2 of 3 instances not analysed: no tissue that can be read"
    )


def test_a_picture_that_tells_of_no_region_is_taken_whole_and_the_report_says_so(app: App, tmp_path: Path) -> None:
    def without_regions(instance: FileDataset) -> None:
        del instance.SequenceOfUltrasoundRegions

    app.write(tmp_path / "study", screen=False, change=without_regions)
    gate = app.run(tmp_path / "study").outcome.gates[0]
    assert "the whole picture, as it tells of no region, not calibrated" in gate.detail


@pytest.mark.parametrize("name", ["palette_color", "ybr_color", "rgb_color", "jpeg2k"])
def test_pictures_of_other_organs_by_real_scanners_are_refused_by_name(app: App, name: str, tmp_path: Path) -> None:
    """Those that pydicom brings with it, under a header that says what the app takes."""
    instance = dcmread(examples.get_path(name))
    instance.BodyPartExamined, instance.SeriesDescription = app.body_part, app.description
    (tmp_path / "study").mkdir()
    instance.save_as(tmp_path / "study" / "us.dcm")
    found = app.run(tmp_path / "study")
    assert (found.outcome.status, found.outcome.reason) == ("refused", "domain-shift")
    assert set(found.objects) == {"report", "refused_frames"}
