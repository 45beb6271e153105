from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from phantoms.faults import drop_slice, duplicate_slice, reverse_instance_numbers, set_attributes, truncate_file
from phantoms.mr_brain import BrainMRStudy, simulate_brain_mr, write_brain_mr


@pytest.fixture
def study(tmp_path: Path) -> BrainMRStudy:
    return write_brain_mr(simulate_brain_mr(1, size="small", lesions=[]), tmp_path, sequences=["FLAIR"])


def test_drop_slice(study: BrainMRStudy) -> None:
    paths = study.series["FLAIR"].paths
    left = drop_slice(paths, 5)
    assert not paths[5].exists()
    assert left == paths[:5] + paths[6:]


def test_duplicate_slice(study: BrainMRStudy) -> None:
    paths = study.series["FLAIR"].paths
    with_copy = duplicate_slice(paths, 5)
    assert len(with_copy) == len(paths) + 1
    original, copy = dcmread(paths[5]), dcmread(with_copy[-1])
    assert copy.ImagePositionPatient == original.ImagePositionPatient
    assert copy.SOPInstanceUID != original.SOPInstanceUID
    assert copy.file_meta.MediaStorageSOPInstanceUID == copy.SOPInstanceUID
    assert copy.InstanceNumber == len(paths) + 1


def test_reverse_instance_numbers(study: BrainMRStudy) -> None:
    paths = study.series["FLAIR"].paths
    positions = [dcmread(path).ImagePositionPatient for path in paths]
    reverse_instance_numbers(paths)
    instances = [dcmread(path) for path in paths]
    assert [instance.InstanceNumber for instance in instances] == list(range(len(paths), 0, -1))
    assert [instance.ImagePositionPatient for instance in instances] == positions
    np.testing.assert_array_equal(instances[3].pixel_array, study.phantom.flair.array[3])


def test_set_attributes(study: BrainMRStudy) -> None:
    paths = study.series["FLAIR"].paths
    set_attributes(paths, FrameOfReferenceUID="2.25.1", ContrastBolusAgent="Gadobutrol", InversionTime=None)
    for path in paths:
        instance = dcmread(path)
        assert instance.FrameOfReferenceUID == "2.25.1"
        assert instance.ContrastBolusAgent == "Gadobutrol"
        assert "InversionTime" not in instance


def test_truncate_file(study: BrainMRStudy) -> None:
    path = study.paths[0]
    size = path.stat().st_size
    assert truncate_file(path, 0.7) == path
    assert path.stat().st_size == int(0.7 * size)
    with pytest.raises(Exception, match=r"length|end|pixel"):
        _ = dcmread(path).pixel_array
