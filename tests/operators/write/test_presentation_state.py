from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image, ImageCms
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.uid import ColorSoftcopyPresentationStateStorage, ExplicitVRLittleEndian, UltrasoundMultiFrameImageStorage

from operators.manifest import OutputPart
from operators.provenance import Analysis, uid_from_text
from operators.read.geometry.slices import Slice
from operators.read.values.display import LINEAR_EXACT, SIGMOID, Window, shown
from operators.write.base.result import save
from operators.write.presentation.area import Area, Turn
from operators.write.presentation.graphics import (
    Annotation,
    Graphic,
    GraphicLayer,
    GraphicType,
    TextLabel,
    box,
)
from operators.write.presentation.outlines import mask_annotations
from operators.write.presentation_state import volume_images, write_presentation_state
from tests.operators.write.studies import make_volume, patient
from tests.peers import dcmtk

MARKS = OutputPart(object="presentation_state", title="Lesions marked", series_number=9011)
LESIONS = GraphicLayer("LESIONS", "Lesions", (255, 80, 40))
NOTES = GraphicLayer("NOTES", "Notes", (240, 240, 90))
SHAPE = (3, 20, 24)


def images(folder: Path | None = None, **attributes: object) -> tuple[Slice, ...]:
    """Slices with a ramp; written to ``folder`` as ``<index>.dcm`` where one is given."""
    values = ramp()
    volume = make_volume(shape=SHAPE, array=values)
    for item, plane in zip(volume.slices, values, strict=True):
        header = item.header
        header.ImageType = ["ORIGINAL", "PRIMARY"]
        header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
        header.BitsAllocated, header.BitsStored, header.HighBit, header.PixelRepresentation = 16, 12, 11, 0
        for keyword, value in attributes.items():
            setattr(header, keyword, value)
        if folder is not None:
            file = FileDataset(str(folder), header, preamble=b"\0" * 128, file_meta=item.instance.file_meta)
            file.PixelData = plane.astype("<u2").tobytes()
            file["PixelData"].VR = "OW"
            file.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            file.save_as(folder / item.instance.path.name, enforce_file_format=True)
            del file.PixelData
    return volume.slices


def ramp() -> NDArray[np.int16]:
    rng = np.random.default_rng(1)
    return np.sort(rng.integers(0, 4096, SHAPE), axis=2).astype(np.int16)


def some_labels() -> NDArray[np.uint8]:
    labels = np.zeros(SHAPE, np.uint8)
    labels[0, 4:9, 3:11] = 1
    labels[0, 6, 5:8] = 0
    labels[2, 10, 10] = labels[2, 11, 11] = 2
    return labels


def rendered(folder: Path, state: Path, index: int) -> NDArray[np.uint8]:
    """DCMTK's picture of an image with a presentation state."""
    picture = folder / "out.pgm"
    command = [dcmtk("dcmp2pgm"), "-p", str(state), str(folder / f"{index}.dcm"), str(picture)]
    subprocess.run(command, check=True, capture_output=True)
    return np.asarray(Image.open(picture))


def understood(folder: Path, state: Path) -> FileDataset:
    """The presentation state as DCMTK writes it anew once it has read it."""
    again = folder / "again.dcm"
    command = [dcmtk("dcmp2pgm"), "-p", str(state), "+S", str(again), str(folder / "0.dcm"), str(folder / "out.pgm")]
    subprocess.run(command, check=True, capture_output=True)
    return dcmread(again)


def check(path: Path) -> None:
    """DCMTK's checker of presentation states finds nothing wrong."""
    done = subprocess.run([dcmtk("dcmpschk"), str(path)], capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def drawn(state: FileDataset) -> dict[tuple[str, str], list[list[float]]]:
    """Graphic Data by layer and image."""
    found: dict[tuple[str, str], list[list[float]]] = {}
    for item in state.GraphicAnnotationSequence:
        (image,) = item.ReferencedImageSequence
        for graphic in item.GraphicObjectSequence:
            found.setdefault((item.GraphicLayer, image.ReferencedSOPInstanceUID), []).append(list(graphic.GraphicData))
    return found


def filled(outlines: list[list[float]], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which pixel centres lie within an odd number of outlines."""
    inside = np.zeros(shape, bool)
    for data in outlines:
        points = np.array(data).reshape(-1, 2)
        for (x, y), (_, to) in pairwise(points):
            for row in range(int(min(y, to)), int(max(y, to))):
                inside[row, int(x) :] ^= True
    return inside


def test_readers_draw_what_was_written(tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]) -> None:
    source = images(tmp_path)
    ellipse = Graphic(GraphicType.ELLIPSE, np.array([(2.0, 5), (10, 5), (6, 2), (6, 8)]), filled=True)
    circle = Graphic(GraphicType.CIRCLE, np.array([(12.5, 9.5), (15.5, 9.5)]))
    shapes = [box(1, 2, 8.5, 9, tracking_identifier="Lesion 1"), ellipse, circle]
    shapes.append(Graphic(GraphicType.POINT, np.array([(3.5, 4.5)])))
    shapes.append(Graphic(GraphicType.INTERPOLATED, np.array([(1.0, 1), (5, 6), (9, 2)])))
    texts = [
        TextLabel("Läsion 1", anchor=(8.5, 9)),
        TextLabel("Not for clinical use", box=(0.0, 0.9, 0.5, 1.0)),
    ]
    annotations = [Annotation("LESIONS", 1, shapes), Annotation("NOTES", 1, texts=texts[:1])]
    annotations += [Annotation("NOTES", None, texts=texts[1:])]
    path = save(write_presentation_state("marks", MARKS, source, [LESIONS, NOTES], annotations, analysis), tmp_path)
    validate(path)
    check(path)
    read = dcmread(path)
    for state in (read, understood(tmp_path, path)):
        assert [layer.GraphicLayer for layer in state.GraphicLayerSequence] == ["LESIONS", "NOTES"]
        by_layer = {
            item.GraphicLayer: item for item in state.GraphicAnnotationSequence if "ReferencedImageSequence" in item
        }
        found = by_layer["LESIONS"].GraphicObjectSequence
        assert [item.GraphicType for item in found] == ["POLYLINE", "ELLIPSE", "CIRCLE", "POINT", "INTERPOLATED"]
        for item, shape in zip(found, shapes, strict=True):
            np.testing.assert_array_equal(np.reshape(item.GraphicData, (-1, 2)), shape.points)
        assert [item.get("GraphicFilled") or None for item in found] == ["N", "Y", "N", None, None]
        assert by_layer["NOTES"].TextObjectSequence[0].UnformattedTextValue == "Läsion 1"
        assert (
            by_layer["LESIONS"].ReferencedImageSequence[0].ReferencedSOPInstanceUID == source[1].header.SOPInstanceUID
        )
        (everywhere,) = (item for item in state.GraphicAnnotationSequence if "ReferencedImageSequence" not in item)
        assert everywhere.TextObjectSequence[0].BoundingBoxAnnotationUnits == "DISPLAY"
    assert read.GraphicAnnotationSequence[0].GraphicObjectSequence[0].TrackingUID == analysis.uid("tracking/Lesion 1")
    (series,) = read.ReferencedSeriesSequence
    assert [item.ReferencedSOPInstanceUID for item in series.ReferencedImageSequence] == [
        item.header.SOPInstanceUID for item in source
    ]


@settings(deadline=None, max_examples=20)
@given(arrays(np.uint8, SHAPE, elements=st.integers(0, 2)))
def test_outlines_enclose_the_mask_on_its_own_slice(labels: NDArray[np.uint8]) -> None:
    source = images()
    annotations = mask_annotations(source, labels, {1: "LESIONS", 2: "NOTES"})
    for index in range(len(source)):
        for label, layer in ((1, "LESIONS"), (2, "NOTES")):
            shapes = [
                graphic.points.ravel().tolist()
                for item in annotations
                if (item.layer, item.image) == (layer, index)
                for graphic in item.graphics
            ]
            np.testing.assert_array_equal(filled(shapes, SHAPE[1:]), labels[index] == label)


def test_one_state_outlines_a_whole_series(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]
) -> None:
    source, labels = images(tmp_path), some_labels()
    annotations = mask_annotations(source, labels, {1: "LESIONS", 2: "NOTES"}, tracking_identifiers={1: "Lesion 1"})
    path = save(write_presentation_state("marks", MARKS, source, [LESIONS, NOTES], annotations, analysis), tmp_path)
    validate(path)
    check(path)
    for state in (dcmread(path), understood(tmp_path, path)):
        found = drawn(state)
        assert len(found) == 2
        for index, label, layer in ((0, 1, "LESIONS"), (2, 2, "NOTES")):
            shapes = found[layer, source[index].header.SOPInstanceUID]
            np.testing.assert_array_equal(filled(shapes, SHAPE[1:]), labels[index] == label)


@pytest.mark.parametrize("turn", [Turn(), Turn(90), Turn(180), Turn(270), Turn(0, True), Turn(90, True)], ids=str)
@pytest.mark.parametrize(
    ("attributes", "inverted"),
    [
        ({}, False),
        ({"PhotometricInterpretation": "MONOCHROME1"}, True),
        ({"RescaleSlope": "2", "RescaleIntercept": "-1024", "RescaleType": "HU"}, False),
    ],
)
def test_dcmtk_shows_what_is_meant(
    tmp_path: Path,
    analysis: Analysis,
    validate: Callable[[Path], None],
    turn: Turn,
    attributes: dict[str, object],
    inverted: bool,
) -> None:
    source = images(tmp_path, **attributes)
    window = Window(1200.0, 1800.0)
    state = write_presentation_state("marks", MARKS, source, [], [], analysis, window=window, turn=turn)
    path = save(state, tmp_path)
    validate(path)
    check(path)
    slope, intercept = (
        float(source[0].header.get("RescaleSlope", 1)),
        float(source[0].header.get("RescaleIntercept", 0)),
    )
    values = ramp()[1] * slope + intercept
    expected = turn(shown(values, window, inverted=inverted)).astype(int)
    assert np.abs(rendered(tmp_path, path, 1).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("window", [Window(900.5, 800.0, LINEAR_EXACT), Window(700.0, 400.0, SIGMOID)])
def test_every_function_of_a_window_is_written(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None], window: Window
) -> None:
    path = save(write_presentation_state("marks", MARKS, images(), [], [], analysis, window=window), tmp_path)
    validate(path)
    (item,) = dcmread(path).SoftcopyVOILUTSequence
    assert (item.WindowCenter, item.WindowWidth, item.VOILUTFunction) == (
        window.center,
        window.width,
        window.function,
    )


def test_images_keep_their_own_windows(tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]) -> None:
    source = images(tmp_path, WindowCenter=[1000, 50], WindowWidth=[2000, 100], WindowCenterWidthExplanation=["A", "B"])
    source[2].header.WindowCenter, source[2].header.WindowWidth = [300, 50], [600, 100]
    path = save(write_presentation_state("marks", MARKS, source, [], [], analysis), tmp_path)
    validate(path)
    assert [
        (item.WindowCenter, item.WindowCenterWidthExplanation) for item in dcmread(path).SoftcopyVOILUTSequence
    ] == [
        (1000, "A"),
        (300, "A"),
    ]
    for index, window in ((1, Window(1000, 2000)), (2, Window(300, 600))):
        expected = shown(ramp()[index], window, inverted=False).astype(int)
        assert np.abs(rendered(tmp_path, path, index).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("function", [LINEAR_EXACT, "LINEAR"])
def test_a_series_with_a_slope_for_each_slice_is_shown_alike(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None], function: str
) -> None:
    """As in PET: a state has one rescaling for all its images, so the windows are of stored values."""
    source = images(tmp_path, RescaleSlope="1", RescaleIntercept="0")
    slopes = (0.5, 1.0, 2.25)
    for item, slope in zip(source, slopes, strict=True):
        item.header.RescaleSlope, item.header.RescaleIntercept = str(slope), "-10"
    window = Window(900.0, 700.0, function)
    path = save(write_presentation_state("marks", MARKS, source, [], [], analysis, window=window), tmp_path)
    validate(path)
    assert "RescaleSlope" not in dcmread(path)
    if function == LINEAR_EXACT:
        return  # DCMTK 3.6.7 shows presentation states by LINEAR only
    for index, slope in enumerate(slopes):
        expected = shown(ramp()[index] * slope - 10, window, inverted=False).astype(int)
        assert np.abs(rendered(tmp_path, path, index).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("turn", [Turn(r, f) for r in (0, 90, 180, 270) for f in (False, True)], ids=str)
def test_the_corners_of_the_area_are_those_that_are_seen(analysis: Analysis, turn: Turn) -> None:
    area = Area(top=2, bottom=9, left=4, right=20)
    state = write_presentation_state("marks", MARKS, images(), [], [], analysis, area=area, turn=turn)
    (item,) = state.DisplayedAreaSelectionSequence
    rows, columns = np.indices(SHAPE[1:])
    seen = turn(np.stack([columns + 1, rows + 1], axis=2)[2:9, 4:20])
    assert list(item.DisplayedAreaTopLeftHandCorner) == seen[0, 0].tolist()
    assert list(item.DisplayedAreaBottomRightHandCorner) == seen[-1, -1].tolist()
    assert list(item.PresentationPixelSpacing) == [0.98, 1.1]


def test_frames_are_referred_to_by_number(tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]) -> None:
    instance = images()[0].instance
    instance.header.SOPClassUID, instance.header.NumberOfFrames = UltrasoundMultiFrameImageStorage, 4
    frames = [Slice(instance, instance.header, frame, is_frame=True) for frame in range(4)]
    marks = [Annotation("LESIONS", 2, [box(1, 1, 4, 4)])]
    state = write_presentation_state("marks", MARKS, frames, [LESIONS], marks, analysis)
    validate(save(state, tmp_path))
    (image,) = state.ReferencedSeriesSequence[0].ReferencedImageSequence
    assert "ReferencedFrameNumber" not in image
    (marked,) = state.GraphicAnnotationSequence[0].ReferencedImageSequence
    assert marked.ReferencedFrameNumber == 3
    some = write_presentation_state("marks", MARKS, frames[1:3], [LESIONS], [], analysis)
    assert some.ReferencedSeriesSequence[0].ReferencedImageSequence[0].ReferencedFrameNumber == [2, 3]


def test_colour_is_shown_as_it_is(tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]) -> None:
    source = images(PhotometricInterpretation="RGB", SamplesPerPixel=3, BitsAllocated=8, BitsStored=8, HighBit=7)
    marks = mask_annotations(source, some_labels(), {1: "LESIONS", 2: "NOTES"})
    path = save(write_presentation_state("marks", MARKS, source, [LESIONS, NOTES], marks, analysis), tmp_path)
    validate(path)
    read = dcmread(path)
    assert read.SOPClassUID == ColorSoftcopyPresentationStateStorage
    for keyword in ("PresentationLUTShape", "SoftcopyVOILUTSequence", "RescaleSlope"):
        assert keyword not in read
    assert "sRGB" in str(ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(read.ICCProfile))))
    shapes = drawn(read)["LESIONS", source[0].header.SOPInstanceUID]
    np.testing.assert_array_equal(filled(shapes, SHAPE[1:]), some_labels()[0] == 1)


def test_an_outline_too_long_for_one_object_is_drawn_in_parts(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]
) -> None:
    comb = np.zeros((1, 12, 4200), np.uint8)
    comb[0, 2, 1:-1] = 1
    comb[0, 3:9, 1:-1:2] = 1
    source = make_volume(shape=comb.shape).slices
    source[0].header.PhotometricInterpretation = "MONOCHROME2"
    marks = mask_annotations(source, comb, {1: "LESIONS"})
    state = write_presentation_state("marks", MARKS, source, [LESIONS], marks, analysis)
    first, second = state.GraphicAnnotationSequence[0].GraphicObjectSequence
    assert first.NumberOfGraphicPoints == 8191
    assert list(first.GraphicData)[-2:] == list(second.GraphicData)[:2]
    assert list(second.GraphicData)[-2:] == list(first.GraphicData)[:2]
    path = save(state, tmp_path)
    validate(path)
    read = dcmread(path)
    assert {item["GraphicData"].VR for item in read.GraphicAnnotationSequence[0].GraphicObjectSequence} == {"FL"}


def test_what_is_wrong_is_said_before_anything_is_written(analysis: Analysis) -> None:
    source = images()
    square = box(0, 0, 24, 20)

    def write(
        *annotations: Annotation, over: tuple[Slice, ...] = source, layers: object = (LESIONS,), **how: object
    ) -> None:
        write_presentation_state("marks", MARKS, over, layers, annotations, analysis, **how)  # type: ignore[arg-type]

    write(Annotation("LESIONS", 0, [square]))
    outside = replace(square, points=square.points + 0.5)
    open_line = Graphic(GraphicType.POLYLINE, np.array([(1.0, 1), (2, 2)]), filled=True)
    for annotation, said in (
        (Annotation("NOTES", 0, [square]), "no layer 'NOTES'"),
        (Annotation("LESIONS", 3, [square]), "no image 3"),
        (Annotation("LESIONS", 0), "neither a graphic nor a text"),
        (Annotation("LESIONS", 0, [outside]), "leaves the image"),
        (Annotation("LESIONS", 0, [replace(square, points=np.full((2, 2), np.nan))]), "leaves the image"),
        (Annotation("LESIONS", 0, [replace(square, points=np.zeros((9000, 2)))]), "has 2 to 8191 points"),
        (Annotation("LESIONS", 0, [Graphic(GraphicType.CIRCLE, np.zeros((3, 2)))]), "has 2 points"),
        (Annotation("LESIONS", 0, [open_line]), "not closed"),
        (Annotation("LESIONS", 0, texts=[TextLabel("x" * 1025, (1, 1))]), "1024"),
        (Annotation("LESIONS", 0, texts=[TextLabel("x")]), "neither an anchor nor a box"),
        (Annotation("LESIONS", 0, texts=[TextLabel("x", (25, 1))]), "outside the image"),
        (Annotation("LESIONS", 0, texts=[TextLabel("x", box=(0.5, 0, 0.5, 1))]), "no part of the displayed area"),
    ):
        with pytest.raises(ValueError, match=said):
            write(annotation)
    with pytest.raises(ValueError, match="different names"):
        write(layers=(LESIONS, LESIONS))
    with pytest.raises(ValueError, match="layer's name"):
        write(layers=(replace(LESIONS, name="lesions"),))
    with pytest.raises(ValueError, match="0 to 255"):
        write(layers=(replace(LESIONS, colour=(256, 0, 0)),))
    with pytest.raises(ValueError, match="at least one image"):
        write(over=())
    with pytest.raises(ValueError, match="named twice"):
        write(over=(source[0], source[0]))
    elsewhere = make_volume(identity=patient(StudyInstanceUID=uid_from_text("elsewhere"))).slices
    with pytest.raises(ValueError, match="several studies"):
        write(over=(source[0], elsewhere[1]))
    with pytest.raises(ValueError, match="not by 45"):
        write(turn=Turn(45))
    with pytest.raises(ValueError, match="no part of an image"):
        write(area=Area(0, 21, 0, 5))
    with pytest.raises(ValueError, match="width 0"):
        write(window=Window(10, 0))
    coloured = images(PhotometricInterpretation="RGB")
    with pytest.raises(ValueError, match="no window over it"):
        write(over=coloured, window=Window(100, 200))
    with pytest.raises(ValueError, match="some images are in colour"):
        write(over=(coloured[0], source[1]))
    with pytest.raises(ValueError, match="VOILUTSequence"):
        write(over=images(VOILUTSequence=[patient()]))
    mixed = images()
    mixed[0].header.PhotometricInterpretation = "MONOCHROME1"
    with pytest.raises(ValueError, match="need a state each"):
        write(over=mixed)
    with pytest.raises(ValueError, match="do not lie on"):
        mask_annotations(source, np.zeros((3, 24, 20), np.uint8), {1: "LESIONS"})
    for wrong in (some_labels().astype(float), some_labels().astype(np.int8) - 1):
        with pytest.raises(ValueError, match="whole numbers from 0"):
            mask_annotations(source, wrong, {1: "LESIONS", 2: "NOTES"})
    with pytest.raises(ValueError, match="have no layer"):
        mask_annotations(source, some_labels(), {1: "LESIONS"})
    with pytest.raises(ValueError, match="resampled"):
        volume_images(replace(make_volume(), is_resampled=True))


def test_the_same_marks_give_the_same_bytes(tmp_path: Path, analysis: Analysis) -> None:
    def written() -> bytes:
        source = volume_images(make_volume(shape=SHAPE))
        for item in source:
            item.header.PhotometricInterpretation = "MONOCHROME2"
        marks = mask_annotations(source, some_labels(), {1: "LESIONS", 2: "NOTES"})
        state = write_presentation_state("marks", MARKS, source, [LESIONS, NOTES], marks, analysis)
        return save(state, tmp_path).read_bytes()

    assert written() == written()
