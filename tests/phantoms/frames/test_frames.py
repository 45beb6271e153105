from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread

from phantoms.frames.common import WrittenFrames
from phantoms.frames.photography import write_photograph
from phantoms.frames.pictures import colours, fan, greys
from phantoms.frames.radiography import write_radiograph, write_run
from phantoms.frames.ultrasound import doppler, tissue, write_ultrasound
from tests.peers import dciodvfy_errors

WRITERS: dict[str, tuple[Callable[..., WrittenFrames], dict[str, Any]]] = {
    "US": (write_ultrasound, {"regions": [tissue((0, 0, 60, 20), 0.02), doppler((0, 24, 63, 47), 0.01, 2.0, 12)]}),
    "US clip": (write_ultrasound, {"frames": 3, "regions": [tissue((4, 4, 60, 44), 0.02)]}),
    "XA": (write_run, {}),
    "RF": (write_run, {"modality": "RF", "frame_times": (0, 30, 40, 30, 50, 30)}),
    "DX": (write_radiograph, {"photometric": "MONOCHROME1"}),
    "CR": (write_radiograph, {"modality": "CR"}),
    "MG": (write_radiograph, {"modality": "MG"}),
    "OP": (write_photograph, {"modality": "OP"}),
    "ES": (write_photograph, {"modality": "ES"}),
    "XC": (write_photograph, {"modality": "XC"}),
    "DMS": (write_photograph, {"modality": "DMS", "spacing": 0.05}),
}


@pytest.mark.peer
@pytest.mark.parametrize("name", WRITERS)
def test_objects_are_valid_and_hold_the_pixels_they_tell_of(tmp_path: Path, name: str) -> None:
    write, arguments = WRITERS[name]
    written = write(tmp_path, **arguments)
    assert dciodvfy_errors(written.path) == []
    pixels = dcmread(written.path).pixel_array
    np.testing.assert_array_equal(pixels.reshape(written.array.shape), written.array)
    assert written.times is None or len(written.times) == len(written.array)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    one, other = (write_ultrasound(tmp_path / name, seed=3).path.read_bytes() for name in "ab")
    assert one == other


def test_no_flip_or_swap_goes_unseen_in_the_pictures() -> None:
    picture = colours(40, 48, 2)
    for changed in (picture[:, ::-1], picture[:, :, ::-1], picture[..., ::-1], picture[::-1]):
        assert not np.array_equal(picture, changed)
    assert greys(8, 9, bits=12).max() == 4095
    assert greys(8, 9, bits=12, signed=True).min() == -2048
    sector = fan(32, 32, 2)
    assert sector[:, 2:28, 14:18].all()
    assert not sector[:, :12, 0].any()
