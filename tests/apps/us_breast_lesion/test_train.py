from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from apps.us_breast_lesion.model import load_model
from apps.us_breast_lesion.network import NetworkSettings
from apps.us_breast_lesion.train import Size, main, train
from apps.us_breast_lesion.training.figures import figures_of
from apps.us_breast_lesion.training.folders import read_samples, split
from apps.us_breast_lesion.training.samples import Sample
from operators.learn.loop import Schedule
from phantoms.sonography import Lesion


def sample(seed: int, kind: Lesion) -> Sample:
    """A dark disc on noise, or noise alone: what the smallest network can learn."""
    random = np.random.default_rng(seed)
    image = (0.6 + 0.1 * random.normal(size=(48, 64))).astype(np.float32)
    mask = np.zeros(image.shape, dtype=bool)
    if kind is not Lesion.NONE:
        rows, columns = np.indices(image.shape)
        mask |= (rows - random.integers(16, 32)) ** 2 + (columns - random.integers(16, 48)) ** 2 < 81
        image[mask] -= 0.4
    return Sample(np.clip(image, 0, 1), mask, (0.3, 0.3), kind)


KINDS = (Lesion.NONE, Lesion.BENIGN, Lesion.NONE, Lesion.MALIGNANT)


def test_training_finds_what_is_there_and_nothing_where_nothing_is() -> None:
    samples = [sample(seed, KINDS[seed % 4]) for seed in range(48)]
    size = Size(40, 8, NetworkSettings((4, 8, 8), 7), ((16, Schedule(4, 8, 1e-2)), (32, Schedule(6, 8, 1e-2))))
    network = train(samples[:40], size)
    figures = figures_of(network, samples[40:], size.pixels)
    assert figures["masses"] == figures["normals"] == 4
    assert figures["mean_dice"] is not None
    assert figures["mean_dice"] > 0.85
    assert figures["normals_marked"] == 0


def test_the_smallest_size_writes_a_model_that_loads(tmp_path: Path) -> None:
    main(["--size", "test", "--output", str(tmp_path), "--processes", "1", "--device", "cpu"])
    description = json.loads((tmp_path / "model.json").read_text())
    assert "not for clinical use" in description["notice"]
    assert set(description["figures"]) == {"validation", "test", "cut", "several", "other_scanner"}
    model = load_model(tmp_path, torch.device("cpu"))
    assert model.pixels == 32
    assert model.likeness.threshold.passing == 0.95


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures as BUSI lays them out."""
    for kind in Lesion:
        (tmp_path / kind.value).mkdir()
        for number in range(1, 9):
            made = sample(number, kind)
            stem = f"{kind.value} ({number})"
            Image.fromarray((255 * made.image).astype(np.uint8)).convert("RGB").save(
                tmp_path / kind.value / f"{stem}.png"
            )
            Image.fromarray(255 * made.mask.astype(np.uint8)).save(tmp_path / kind.value / f"{stem}_mask.png")
    second = np.zeros((48, 64), dtype=np.uint8)
    second[:4, :4] = 255
    Image.fromarray(second).save(tmp_path / "benign" / "benign (2)_mask_1.png")
    return tmp_path


def test_folders_of_real_pictures_are_read_with_all_their_masks(folder: Path) -> None:
    samples = read_samples(folder)
    assert len(samples) == 24
    benign = [each for each in samples if each.kind is Lesion.BENIGN]
    assert benign[1].mask.sum() == sample(2, Lesion.BENIGN).mask.sum() + 16
    assert all(each.spacing is None for each in samples)


@pytest.mark.parametrize("fold", [0, 3])
def test_every_picture_is_in_one_part_and_every_fold_tests_another(folder: Path, fold: int) -> None:
    samples = read_samples(folder)
    parts = split(samples, fold)
    assert sum(map(len, parts.values())) == 24
    assert len({id(each) for part in parts.values() for each in part}) == 24
    assert [len(parts[name]) for name in ("training", "validation", "test")] == [15, 3, 6]
    assert {id(each) for each in parts["test"]}.isdisjoint(id(each) for each in split(samples, 1)["test"])


def test_a_picture_without_its_mask_is_an_error(folder: Path) -> None:
    (folder / "malignant" / "malignant (3)_mask.png").unlink()
    with pytest.raises(ValueError, match=r"malignant \(3\).png has no mask"):
        read_samples(folder)


def test_real_pictures_can_be_trained_on(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "model"
    main(["--size", "test", "--data", str(folder), "--fold", "1", "--output", str(target), "--device", "cpu"])
    description = json.loads((target / "model.json").read_text())
    assert set(description["figures"]) == {"validation", "test"}
    assert description["figures"]["test"]["long_axis_error_mm_median"] is None
    assert "not for clinical use" not in description["notice"]
