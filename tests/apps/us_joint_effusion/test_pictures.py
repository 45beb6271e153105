"""The trained network on simulated pictures it has not seen."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from apps.run import model_folder_of
from apps.us_joint_effusion.effusions import effusion_mask
from apps.us_joint_effusion.model import Model, load_model
from apps.us_joint_effusion.training.augmentation import Variant
from apps.us_joint_effusion.training.figures import figures_of, noise_figures
from apps.us_joint_effusion.training.samples import Sample, simulate_samples
from operators.learn.scores import dice
from operators.measure.least_area import LeastArea

LEAST = LeastArea(1.0, 0.002)


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(model_folder_of("us_joint_effusion"), torch.device("cpu"))


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return simulate_samples(range(970_000, 970_012))


def test_held_out_pictures(model: Model, samples: list[Sample]) -> None:
    found = figures_of(model.probability, samples, LEAST)
    assert (found["with_effusion"], found["dry"]) == (8, 4)
    assert (found["missed"], found["dry_with_outline"]) == (0, 0)
    assert found["dice"]["mean"] >= 0.90
    assert abs(found["thickness_error_mm"]["mean"]) <= 0.2
    assert abs(found["area_error_percent"]["mean"]) <= 5


def test_noise_costs_little(model: Model, samples: list[Sample]) -> None:
    found = noise_figures(model.network, samples, model.pixels, model.channels)
    clean = found.pop("clean")
    assert clean >= 0.90
    assert all(clean - noisy < 0.05 for noisy in found.values()), found


@pytest.mark.parametrize("variant", [Variant(mirror_columns=True), Variant(angle=12), Variant(zoom=1.1)])
def test_a_mirrored_or_turned_picture_gives_the_same_outline(
    model: Model, samples: list[Sample], variant: Variant
) -> None:
    for sample in samples[1:3]:
        side = min(sample.image.shape)
        image = sample.image[None, None, :side, :side]
        there = model.probability(variant.apply(image)[0, 0])
        back = variant.invert(there[None, None])[0, 0]
        straight = effusion_mask(model.probability(image[0, 0]), sample.spacing, LEAST)
        assert dice(effusion_mask(back, sample.spacing, LEAST), straight) >= 0.90


def test_the_model_says_what_it_was_measured_to_be_worth() -> None:
    description = json.loads((model_folder_of("us_joint_effusion") / "model.json").read_text(encoding="utf-8"))
    figures = description["figures"]["test"]
    assert figures["dice"]["mean"] >= 0.90
    assert figures["missed"] == figures["dry_with_outline"] == 0
    assert description["gate"]["area_under_curve"] >= 0.95
    assert np.isclose(description["noise"]["clean"], figures["dice"]["mean"], atol=0.05)
