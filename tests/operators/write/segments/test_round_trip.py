"""Any mask on any grid, in any form, of anybody: read back to the same voxels, places and names."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from pydicom import dcmread
from scipy.spatial.transform import Rotation

from operators.provenance import Analysis
from operators.read.volume import Volume
from operators.write.base.result import save
from operators.write.segmentation import write_segmentation
from operators.write.segments.form import SegmentationForm
from tests.fuzz.instances import CHARACTER_SETS
from tests.operators.write.segments.readers import highdicom_in_space, read_by_highdicom
from tests.operators.write.studies import LESIONS, ORIENTATIONS, make_volume, patient, segment

FORMS = st.sampled_from(
    [
        SegmentationForm(kind, encoding, empty)
        for kind in ("binary", "probability", "labelmap")
        for encoding in ("native", "deflated", "rle", "jpeg_ls", "jpeg_2000")
        if kind != "binary" or encoding in ("native", "deflated")
        for empty in ("omit", "keep")
    ]
)

ROTATIONS = st.tuples(*[st.floats(-180, 180)] * 3).map(lambda angles: Rotation.from_euler("xyz", angles, degrees=True))

ANY_ORIENTATION = st.one_of(
    st.sampled_from([*ORIENTATIONS]), ROTATIONS.map(lambda rotation: tuple(map(tuple, rotation.as_matrix().T[:2])))
)

SPACINGS = st.tuples(*[st.floats(0.2, 6).map(lambda value: round(value, 3))] * 3)


@st.composite
def volumes(draw: st.DrawFn) -> Volume:
    shape = draw(st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9)))
    specific, name, description = CHARACTER_SETS[draw(st.sampled_from([*CHARACTER_SETS]))]
    identity = patient(
        SpecificCharacterSet=specific, PatientName=name, ReferringPhysicianName=name, StudyDescription=description
    )
    return make_volume(
        draw(ANY_ORIENTATION),
        shape,
        identity=identity,
        reversed_order=draw(st.booleans()),
        spacing=draw(SPACINGS),
        origin=draw(st.tuples(*[st.floats(-500, 500)] * 3)),
    )


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_label_maps_come_back(analysis: Analysis, data: st.DataObject) -> None:
    volume, form = data.draw(volumes()), data.draw(FORMS)
    dtype: Any = data.draw(st.sampled_from([np.uint8, np.uint16, np.uint32]))
    labels = data.draw(arrays.arrays(dtype, volume.array.shape, elements=st.sampled_from([0, 0, 1, 2, 3])))
    text = data.draw(st.sampled_from(["Lesion", "Läsion", "病変", "Очаг", "lésion é à"]))
    segments = [segment(number, f"{text} {number}", colour=None) for number in (1, 2, 3)]
    result = write_segmentation("x", LESIONS, volume, labels, segments, analysis, form=form)
    with tempfile.TemporaryDirectory() as folder:
        path = save(result, Path(folder))
        read = dcmread(path)
        found = read_by_highdicom(path, volume, 3)
        in_space = highdicom_in_space(path, volume) if not form.is_fractional else labels
    for number in (1, 2, 3):
        np.testing.assert_array_equal(found[..., number - 1], labels == number)
    np.testing.assert_array_equal(in_space, labels)
    assert read.PatientName == volume.slices[0].header.PatientName
    assert [item.SegmentLabel for item in read.SegmentSequence][:3] == [f"{text} {number}" for number in (1, 2, 3)]
    assert _said_to_be_absent(read) == {number for number in (1, 2, 3) if not (labels == number).any()}


@given(st.data())
@settings(deadline=None, max_examples=40)
def test_masks_come_back(analysis: Analysis, data: st.DataObject) -> None:
    volume = data.draw(volumes())
    count = data.draw(st.integers(1, 3))
    shape = (count, *volume.array.shape)
    masks: NDArray[Any] = data.draw(
        st.one_of(
            arrays.arrays(bool, shape),
            arrays.arrays(np.float32, shape, elements=st.sampled_from([0, 0, 0.001, 0.002, 0.5, 1])),
        )
    )
    form = SegmentationForm("binary" if masks.dtype == bool else "occupancy")
    segments = [segment(number, f"s{number}", colour=None) for number in range(1, count + 1)]
    result = write_segmentation("x", LESIONS, volume, masks, segments, analysis, form=form)
    with tempfile.TemporaryDirectory() as folder:
        found = read_by_highdicom(save(result, Path(folder)), volume, count)
    np.testing.assert_allclose(np.moveaxis(found, -1, 0), masks.astype(float), atol=0.5 / 255 + 1e-6)
    stored = np.moveaxis(found, -1, 0) > 0
    assert (result.SegmentsOverlap == "YES") == bool((stored.sum(axis=0) > 1).any())


def _said_to_be_absent(read: Any) -> set[int]:
    return {item.SegmentNumber for item in read.SegmentSequence if item.get("SegmentDescription") == "Nothing found"}
