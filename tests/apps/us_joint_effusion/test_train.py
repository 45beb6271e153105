"""Training at its smallest, and the folder of real pictures that it takes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from apps.us_joint_effusion.model import load_model
from apps.us_joint_effusion.train import main
from apps.us_joint_effusion.training.samples import read_samples, simulate_samples


def write_folder(folder: Path, *, patients: int = 5) -> None:
    (folder / "images").mkdir()
    (folder / "masks").mkdir()
    spacings = {}
    for number, sample in enumerate(simulate_samples(range(1, 2 * patients + 1))):
        name = f"P{number // 2:02d}_{number % 2}"
        Image.fromarray((255 * sample.image).astype(np.uint8)).save(folder / "images" / f"{name}.png")
        Image.fromarray(255 * sample.mask.astype(np.uint8)).save(folder / "masks" / f"{name}.png")
        spacings[name] = sample.spacing
    (folder / "spacing.json").write_text(json.dumps(spacings), encoding="utf-8")


def test_the_smallest_training_gives_a_model_that_the_app_can_load(tmp_path: Path) -> None:
    main(["--size", "test", "--output", str(tmp_path), "--threads", "1", "--processes", "1"])
    description = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    assert "not for clinical use" in description["notice"]
    assert set(description["figures"]) == {"validation", "test", "other_scanner"}
    assert set(description["noise"]) == {"clean", "gaussian", "poisson", "salt and pepper", "speckle"}
    model = load_model(tmp_path, torch.device("cpu"))
    picture = simulate_samples([4])[0].image
    probability = model.probability(picture)
    assert probability.shape == picture.shape
    assert 0 <= probability.min() <= probability.max() <= 1


def test_training_on_a_folder(tmp_path: Path) -> None:
    data, model = tmp_path / "data", tmp_path / "model"
    data.mkdir()
    write_folder(data)
    main(["--size", "test", "--data", str(data), "--output", str(model), "--threads", "1"])
    description = json.loads((model / "model.json").read_text(encoding="utf-8"))
    assert description["seeds"] is None
    assert description["training"]["pictures"] == 6
    assert description["figures"]["test"]["pictures"] == 2


def test_no_patient_is_on_two_sides_of_the_split(tmp_path: Path) -> None:
    write_folder(tmp_path, patients=6)
    parts = read_samples(tmp_path)
    assert {part: len(samples) for part, samples in parts.items()} == {"training": 8, "validation": 2, "test": 2}
    assert all(sample.spacing is not None for samples in parts.values() for sample in samples)
    assert sum(bool(sample.mask.any()) for samples in parts.values() for sample in samples) == 8


def test_too_few_patients_are_said(tmp_path: Path) -> None:
    write_folder(tmp_path, patients=2)
    with pytest.raises(ValueError, match="of 2 patients"):
        read_samples(tmp_path)


def test_simulated_samples_follow_from_their_seeds() -> None:
    first, again = simulate_samples([6, 7]), simulate_samples([6, 7])
    assert np.array_equal(first[1].image, again[1].image)
    assert not first[0].mask.any()
    assert first[1].mask.any()
