"""The trained network on simulated pictures that it has not seen: whole masses, cut ones, several."""

from __future__ import annotations

import json

import pytest
import torch

from apps.run import model_folder_of
from apps.us_breast_lesion.model import Model, load_model
from apps.us_breast_lesion.training.figures import figures_of
from apps.us_breast_lesion.training.samples import Scene, simulate_samples

UNSEEN = range(970_000, 970_024)


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(model_folder_of("us_breast_lesion"), torch.device("cpu"))


def figures(model: Model, scene: Scene) -> dict[str, float]:
    found = figures_of(model.network, simulate_samples(UNSEEN, scenes=[scene]), model.pixels)
    return {name: value for name, value in found.items() if value is not None}


def test_whole_masses_are_found_and_nothing_else(model: Model) -> None:
    found = figures(model, Scene.WHOLE)
    assert (found["masses"], found["normals"]) == (12, 12)
    assert found["masses_missed"] == found["marked_beside"] == found["normals_marked"] == 0
    assert found["mean_dice"] >= 0.95
    assert found["long_axis_within_1_mm"] >= 0.9


def test_masses_that_an_edge_cuts_are_found_and_told_to_be_cut(model: Model) -> None:
    found = figures(model, Scene.CUT)
    assert found["masses"] == 12
    assert found["masses_missed"] == found["normals_marked"] == 0
    assert found["mean_dice"] >= 0.9
    assert found["told_cut"] == found["cut"] > 9


def test_of_several_masses_each_has_its_own_outline(model: Model) -> None:
    found = figures(model, Scene.SEVERAL)
    assert found["masses"] > 24
    assert (
        found["masses_missed"] == found["outlined_together"] == found["marked_beside"] == found["normals_marked"] == 0
    )
    assert found["mean_dice"] >= 0.9


def test_the_model_says_what_it_was_measured_to_be_worth() -> None:
    description = json.loads((model_folder_of("us_breast_lesion") / "model.json").read_text(encoding="utf-8"))
    told = description["figures"]
    assert told["test"]["mean_dice"] >= 0.95
    assert told["test"]["masses_missed"] == told["test"]["normals_marked"] == 0
    assert told["cut"]["mean_dice"] >= 0.9
    assert told["cut"]["masses_missed"] <= 0.02 * told["cut"]["masses"]
    assert told["several"]["mean_dice"] >= 0.9
    assert told["several"]["masses_missed"] <= 0.02 * told["several"]["masses"]
