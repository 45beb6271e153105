"""The same examination in multi-frame objects: the same roles, the same volumes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from apps.mr_white_matter_lesions.inputs import read_volumes
from apps.mr_white_matter_lesions.likeness import load_references
from apps.mr_white_matter_lesions.model_file import MODEL_FOLDER
from apps.run import app_manifest
from operators.check.checked_volume import CheckedVolume
from operators.read.selection import require_series
from operators.read.study import read_study
from operators.read.volume import Volume
from phantoms.mr_brain import BrainMRStudy, simulate_brain_mr, write_brain_mr
from phantoms.volumes.enhanced_mr import write_enhanced_mr
from phantoms.volumes.legacy import convert_to_legacy

SEED = 11
REFERENCES = load_references(MODEL_FOLDER)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> BrainMRStudy:
    return write_brain_mr(simulate_brain_mr(SEED, size="small"), tmp_path_factory.mktemp("single"))


def volumes_of(folder: Path) -> dict[str, Volume]:
    manifest = app_manifest("mr_white_matter_lesions")
    found = read_volumes(require_series(read_study(folder), manifest), manifest, REFERENCES)
    volumes = {role: checked.volume for role, checked in found.items() if isinstance(checked, CheckedVolume)}
    assert set(volumes) == {"flair", "t1"}
    return volumes


def assert_same(folder: Path, written: BrainMRStudy) -> None:
    single = volumes_of(written.folder)
    for role, volume in volumes_of(folder).items():
        np.testing.assert_array_equal(volume.array, single[role].array)
        assert volume.array.dtype == single[role].array.dtype
        np.testing.assert_allclose(volume.affine, single[role].affine, rtol=0, atol=1e-9)
        assert len(volume.instances) == 1


@pytest.mark.filterwarnings("ignore")
def test_legacy_converted_enhanced_objects(tmp_path: Path, written: BrainMRStudy) -> None:
    for number, series in enumerate(written.series.values()):
        convert_to_legacy(series.paths, tmp_path / series.sequence, number=100 + number)
    assert_same(tmp_path, written)


def test_enhanced_objects(tmp_path: Path, written: BrainMRStudy) -> None:
    for number, (sequence, times, kind) in enumerate(
        (("FLAIR", (120.0, 9000.0, 2500.0), "2D"), ("T1", (2.98, 2300.0, 900.0), "3D")), start=21
    ):
        acquisition = written.series[sequence].acquisition
        write_enhanced_mr(
            tmp_path / sequence,
            acquisition.array.astype(np.uint16),
            acquisition.affine,
            number=number,
            echo_time=times[0],
            repetition_time=times[1],
            inversion_time=times[2],
            MRAcquisitionType=kind,
            BodyPartExamined="HEAD",
            order=list(range(len(acquisition.array)))[::-1],
            SeriesDescription=f"enhanced {sequence}",
        )
    assert_same(tmp_path, written)
