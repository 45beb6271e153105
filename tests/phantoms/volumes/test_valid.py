"""Volume phantoms are valid objects, the same again for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from phantoms.volumes.common import WrittenVolume
from phantoms.volumes.enhanced_ct import write_enhanced_ct
from phantoms.volumes.enhanced_mr import write_enhanced_mr
from phantoms.volumes.enhanced_pet import write_enhanced_pet
from phantoms.volumes.legacy import convert_to_legacy
from phantoms.volumes.mosaic import write_mosaic
from phantoms.volumes.nuclear import write_nm
from phantoms.volumes.single_frame import write_ct, write_mr, write_pet
from tests.peers import dciodvfy_errors

AFFINE = np.array([[0.9, 0, 0, -40], [0, 1.1, 0, -50], [0, 0, 3.0, 10], [0, 0, 0, 1]])
STORED = np.arange(5 * 6 * 8, dtype=np.uint16).reshape(5, 6, 8)
SIGNED = STORED.astype(np.int16)
SLOPES = [0.5, 0.7, 1.0, 1.3, 2.0]

WRITERS: dict[str, Callable[[Path], WrittenVolume]] = {
    "ct": lambda folder: write_ct(folder, STORED, AFFINE),
    "mr": lambda folder: write_mr(folder, STORED, AFFINE),
    "pet": lambda folder: write_pet(folder, SIGNED, AFFINE, slopes=SLOPES),
    "nm": lambda folder: write_nm(folder, STORED, AFFINE),
    "gated nm": lambda folder: write_nm(folder, np.stack([STORED, STORED]), AFFINE, time_slots=2),
    "mosaic": lambda folder: write_mosaic(folder, np.stack([STORED, STORED]), AFFINE, b_values=[0, 1000]),
    "enhanced ct": lambda folder: write_enhanced_ct(folder, STORED, AFFINE),
    "enhanced mr": lambda folder: write_enhanced_mr(folder, STORED, AFFINE, inversion_time=900.0),
    "enhanced diffusion": lambda folder: write_enhanced_mr(folder, np.stack([STORED] * 2), AFFINE, b_values=[0, 800]),
    "enhanced pet": lambda folder: write_enhanced_pet(folder, SIGNED, AFFINE, slopes=SLOPES),
}


@pytest.mark.peer
@pytest.mark.parametrize("kind", WRITERS)
def test_dciodvfy_finds_no_error(tmp_path: Path, kind: str) -> None:
    written = WRITERS[kind](tmp_path)
    assert [dciodvfy_errors(path) for path in written.paths] == [[] for _ in written.paths]


@pytest.mark.peer
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["ct", "mr", "pet"])
def test_dciodvfy_finds_no_error_in_a_legacy_conversion_but_highdicom_s_own(tmp_path: Path, kind: str) -> None:
    written = WRITERS[kind](tmp_path / "single")
    errors = dciodvfy_errors(convert_to_legacy(written.paths, tmp_path / "legacy"))
    # highdicom 0.28 names the sources' series without the sources.
    assert [error for error in errors if "ReferencedSeriesSequence" not in error] == []


@pytest.mark.parametrize("kind", WRITERS)
def test_a_seed_gives_the_same_bytes_again(tmp_path: Path, kind: str) -> None:
    first, second = (WRITERS[kind](tmp_path / folder) for folder in ("first", "second"))
    assert [path.read_bytes() for path in first.paths] == [path.read_bytes() for path in second.paths]
    np.testing.assert_array_equal(first.array, second.array)
