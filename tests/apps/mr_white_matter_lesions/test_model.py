"""The weights that come with the app: the files are those described, and they do what is recorded of them."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
import torch

from apps.mr_white_matter_lesions.model_file import MODEL_FOLDER, read_model_file
from apps.mr_white_matter_lesions.scores import score_lesions, score_regions
from apps.mr_white_matter_lesions.segmentation import Scan, load_networks, segment_lesions, segment_regions
from apps.mr_white_matter_lesions.training.studies import HELD_OUT_SEED
from apps.run import app_manifest
from phantoms.mr_brain import simulate_brain_mr

MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    return read_model_file(MODEL_FOLDER)


def test_model_file_names_every_file_with_its_digest(description: dict[str, Any]) -> None:
    named = {file["path"]: file["sha256"] for entry in description["networks"].values() for file in entry["files"]}
    found = {path.name: digest_of(path.read_bytes()) for path in MODEL_FOLDER.glob("*.safetensors")}
    assert named == found
    assert set(description["networks"]) == {"lesion_c", "lesion_d", "region_a", "region_b", "region_c"}


def test_manifest_names_every_file_with_its_digest() -> None:
    named = {file.path: file.sha256 for file in app_manifest("mr_white_matter_lesions").model.files}
    found = {path.name: digest_of(path.read_bytes()) for path in MODEL_FOLDER.iterdir() if path.is_file()}
    # model.json too: the spacing and the windows that it holds change results as weights do.
    assert named == found


def test_model_is_small_enough_for_the_repository() -> None:
    assert sum(path.stat().st_size for path in MODEL_FOLDER.iterdir()) <= 25 * MEGABYTE


def test_recorded_figures_are_those_asked_for(description: dict[str, Any]) -> None:
    dice = {name: values["dice"]["mean"] for name, values in description["held_out"]["figures"].items()}
    assert dice["lesions C"] >= 0.85
    assert dice["regions C"] >= 0.80
    # The order that the paper reports.
    assert dice["lesions C"] >= dice["lesions D on FLAIR"] > dice["lesions D on T1"]


@pytest.mark.slow
def test_held_out_head_is_segmented_as_recorded() -> None:
    pytest.importorskip("nilearn", reason="the full-size head needs the `phantoms` extra")
    phantom = simulate_brain_mr(HELD_OUT_SEED)
    networks = load_networks(MODEL_FOLDER, torch.device("cpu"))
    flair, t1 = (Scan(acquired.array, acquired.affine) for acquired in (phantom.flair, phantom.t1))

    lesions = score_lesions(
        segment_lesions(networks, flair=flair, t1=t1).labels == 1, phantom.flair.lesions, phantom.flair.voxel_volume_mm3
    )
    regions = score_regions(segment_regions(networks, flair=flair, t1=t1).labels, phantom.flair.regions)

    assert lesions.dice is not None
    assert lesions.dice >= 0.80
    assert len(regions) == 34
    assert sum(regions.values()) / len(regions) >= 0.75


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
