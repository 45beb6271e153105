"""What ``model.json`` says of a training."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch

from apps.mr_white_matter_lesions.model_file import read_model_file, write_model_file
from apps.mr_white_matter_lesions.training.loop import Trained
from apps.mr_white_matter_lesions.training.settings import Role, TargetSettings, TrainingSettings
from operators.learn.program import DEMONSTRATION


def describe_training(size: str, settings: TrainingSettings, *, data: str, device: torch.device) -> dict[str, object]:
    """The part of a network's description that all networks of one run share."""
    return {
        "size": size,
        "data": data,
        "optimiser": settings.optimiser,
        "learning_rate": settings.learning_rate,
        "weight_decay": settings.weight_decay,
        "loss": "cross-entropy + soft Dice",
        "precision": "bfloat16 autocast",
        "device": device.type,
        "date": datetime.now(timezone.utc).date().isoformat(),
    }


def earlier_training(folder: Path, name: str) -> dict[str, Any]:
    """What ``model.json`` says about the training of weights that another training starts from."""
    entry = read_model_file(folder)["networks"][name]
    kept = ("size", "learning_rate", "balance", "earlier")
    return {
        "network": name,
        "files": entry["files"],
        **{key: entry["training"][key] for key in kept if key in entry["training"]},
    }


def describe_network(
    folder: Path,
    role: Role,
    weights: Path,
    target: TargetSettings,
    trained: Trained,
    training: Mapping[str, object],
) -> None:
    """Enter one trained file into ``model.json``; a file of the same name is replaced, folds stand side by side."""
    description = read_model_file(folder) if (folder / "model.json").exists() else {}
    description["notice"] = DEMONSTRATION
    networks = description.setdefault("networks", {})
    entry = networks.get(role.name, {})
    files = [file for file in entry.get("files", []) if file["path"] != weights.name]
    if any("_fold" in file["path"] for file in files) != ("_fold" in weights.name):
        files = []
    files.append(
        {
            "path": weights.name,
            "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
            "steps": trained.steps,
            "final_training_loss": round(trained.loss, 4),
            "training_seconds": round(trained.seconds),
        }
    )
    networks[role.name] = {
        "target": role.target,
        "inputs": role.inputs,
        "network": asdict(target.network(role)),
        "spacing_mm": target.spacing,
        "window": target.window,
        "intensity_ceiling": target.intensity_ceiling,
        "training": {
            **training,
            "samples": role.samples,
            "patch": target.patch_size,
            "batch": target.batch,
            "foreground": target.foreground,
            "balance": target.balance,
            "augmentation": asdict(target.augmentation),
        },
        "files": sorted(files, key=lambda file: str(file["path"])),
    }
    # Figures of other weights would be a lie.
    description.pop("held_out", None)
    write_model_file(folder, description)
