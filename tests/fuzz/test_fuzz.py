"""The short form of the campaign: what is found here, ``python -m tests.fuzz --case N`` shows again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from operators.read.volume import Volume, read_volume
from tests.fuzz import reading
from tests.fuzz.campaign import Workspace, run
from tests.fuzz.cases import Case, case
from tests.fuzz.oracle import MismatchError
from tests.fuzz.seeds import SEEDS, seed_folder
from tests.fuzz.structure import parse, serialise

COUNT = 1500


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("seeds"))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_seed_is_read_and_is_what_pydicom_reads(workspace: Workspace, seed: str) -> None:
    assert workspace.read(Case(seed, (), ())) == "read"


@pytest.mark.parametrize("seed", SEEDS)
def test_files_are_taken_apart_and_put_together_without_a_change(seed: str) -> None:
    for content in seed_folder(seed).values():
        assert serialise(parse(content)) == content


def test_a_case_is_the_same_every_time() -> None:
    for number in range(200):
        assert case(3, number).folder() == case(3, number).folder()


def test_mutated_studies_are_refused_or_read_as_pydicom_reads_them() -> None:
    """No crash, no hang of more than five seconds, no wrong array."""
    report = run(campaign=0, count=COUNT)
    assert not report.findings, "\n".join(f"case {item.number}: {item.kind}\n{item.text}" for item in report.findings)
    assert report.outcomes.total() == COUNT
    # A campaign in which nothing is read, or nothing refused, would show nothing.
    assert report.outcomes["read"] > COUNT // 4
    assert len(report.outcomes) > 10


def _another_voxel(volume: Volume) -> Volume:
    array = volume.array.copy()
    array[1, 2, 3] = array[1, 2, 3] + 1
    return replace(volume, array=array)


def _shifted(volume: Volume) -> Volume:
    affine = volume.affine.copy()
    affine[0, 3] += 0.001
    return replace(volume, affine=affine)


def _swapped_spacing(volume: Volume) -> Volume:
    affine = volume.affine.copy()
    affine[0, 0], affine[1, 1] = affine[1, 1], affine[0, 0]
    return replace(volume, affine=affine)


def _reversed(volume: Volume) -> Volume:
    return replace(volume, array=volume.array[::-1])


def _shortened(volume: Volume) -> Volume:
    return replace(volume, array=volume.array[:-1], slices=volume.slices[:-1])


@pytest.mark.parametrize("spoil", [_another_voxel, _shifted, _swapped_spacing, _reversed, _shortened])
@pytest.mark.parametrize("seed", ["ct", "mr_enhanced", "mr_mosaic", "nm"])
def test_the_oracle_sees_what_a_reader_can_do_wrong(
    monkeypatch: pytest.MonkeyPatch, workspace: Workspace, spoil: Callable[[Volume], Volume], seed: str
) -> None:
    monkeypatch.setattr(reading, "read_volumes", lambda series: (spoil(read_volume(series)),))
    with pytest.raises(MismatchError):
        workspace.read(Case(seed, (), ()))
