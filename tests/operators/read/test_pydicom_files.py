"""The test files that ship with pydicom: every one read as pydicom reads it, or refused by a reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import dcmread
from pydicom.pixels.processing import apply_rescale
from pydicom.uid import JPEGBaseline8Bit, JPEGExtended12Bit

from operators.read.attributes import numbers
from operators.read.pixels import pixel_format, require_monochrome
from operators.read.rescale import apply, calibration, output_dtype
from operators.read.slices import Slice, slices_of
from operators.read.study import Instance, read_study
from operators.read.values import read_stored_plane
from operators.read.volume import read_volumes
from operators.refused import Refused

# Only what lies in the package: pydicom would fetch further files from the network.
FOLDER = Path(pydicom.__file__).parent / "data" / "test_files"
FILES = sorted(path for path in FOLDER.rglob("*") if path.is_file() and path.suffix in (".dcm", ""))

pytestmark = pytest.mark.filterwarnings("ignore")


def instances_of(path: Path) -> tuple[Instance, ...]:
    try:
        return read_study([path]).instances
    # An empty file, a text, a list of files: no instance, which is an answer.
    except Refused:
        return ()


def test_every_monochrome_slice_has_the_values_that_pydicom_gives_it() -> None:
    compared, refused = [], []
    for path in FILES:
        for instance in instances_of(path):
            try:
                item = Slice(instance, instance.header)
                form = require_monochrome(instance, pixel_format(instance))
                if form.frames > 1 or "ModalityLUTSequence" in instance.header:
                    continue
                transformation = calibration(item).transformation
                values = np.empty(form.shape, output_dtype([form], [transformation]))
                apply(transformation, read_stored_plane(item, form), values)
            except Refused:
                refused.append(path.name)
                continue
            source = dcmread(path)
            try:
                expected = source.pixel_array
            # Our decoders read a few that its own do not.
            except RuntimeError:
                continue
            if numbers(source, "RescaleSlope"):
                expected = apply_rescale(expected, source)
            # Two decoders of a lossy code may round its cosines differently.
            rounding = 1 if form.transfer_syntax_uid in (JPEGBaseline8Bit, JPEGExtended12Bit) else 0
            stored_as = expected.astype(values.dtype).astype(float)
            np.testing.assert_allclose(values.astype(float), stored_as, rtol=0, atol=rounding, err_msg=path.name)
            compared.append(path.name)
    assert {"CT_small.dcm", "MR_small.dcm", "MR_small_bigendian.dcm", "MR_small_RLE.dcm", "693_J2KI.dcm"} <= set(
        compared
    )
    assert "MR_truncated.dcm" in refused


def test_every_series_is_read_or_refused() -> None:
    """Whatever the object: structured reports, plans, waveforms, ultrasound, damaged ones."""
    answered, unexplained = 0, []
    for path in FILES:
        if not instances_of(path):
            continue
        for series in read_study([path]).series:
            try:
                volumes = read_volumes(series)
            except Refused as refused:
                unexplained += [] if refused.detail else [path.name]
            else:
                assert len(volumes[0].slices) == len(volumes[0].array)
            answered += 1
    assert answered > 80
    assert unexplained == []


def test_the_reading_of_a_frame_without_geometry_is_a_refusal() -> None:
    """RT Dose and ultrasound loops have frames, but no functional groups."""
    for name in ("rtdose.dcm", "examples_ybr_color.dcm"):
        (series,) = read_study([FOLDER / name]).series
        with pytest.raises(Refused, match="frames in one instance without functional groups"):
            slices_of(series)
