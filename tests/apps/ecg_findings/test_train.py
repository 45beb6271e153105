"""Training from start to end in its smallest size; pre-training learns; real records are read as they are laid out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from apps.ecg_findings import ablation, train
from apps.ecg_findings.classify import load_model
from apps.ecg_findings.labels import load_labels
from apps.ecg_findings.network import FindingsNetwork, NetworkSettings
from apps.ecg_findings.training.pretraining import PATCH, masked, pretrain
from apps.ecg_findings.training.records import read_records
from apps.ecg_findings.training.samples import Samples, augmented, simulate_samples
from operators.learn.loop import Schedule
from operators.learn.program import DEMONSTRATION
from phantoms.ecg import RESTING, simulate_ecg

NAMES = [label.name for label in load_labels()]


@pytest.fixture(scope="module")
def samples() -> Samples:
    return simulate_samples(range(24), NAMES)


def test_the_smallest_training_makes_a_model_that_loads(tmp_path: Path) -> None:
    train.main(["--size", "test", "--output", str(tmp_path), "--threads", "1", "--processes", "1"])
    model = load_model(tmp_path, torch.device("cpu"))
    assert [label.name for label in model.labels] == NAMES
    description = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    assert description["notice"] == DEMONSTRATION
    assert description["figures"]["recordings"] == train.SIZES["test"].held_out


def test_the_ablation_compares_both_starts(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(ablation, "SCHEDULES", {20: Schedule(1, 10, 1e-3)})
    ablation.main(["--seeds", "1", "--recordings", "24", "--test", "24", "--pretraining-epochs", "1"])
    rows = capsys.readouterr().out.splitlines()
    assert rows[0] == "| labelled recordings, start | macro_auroc | macro_auroc_lead_ii |"
    assert [row.split(" | ")[0] for row in rows[2:]] == ["| 20, scratch", "| 20, pre-trained"]


def test_the_loss_of_pre_training_falls(samples: Samples) -> None:
    torch.manual_seed(0)
    network = FindingsNetwork(NetworkSettings(labels=len(NAMES), channels=(8, 8, 8, 8, 16)))
    losses = list(pretrain(network, samples.signals, epochs=6, batch_size=8, learning_rate=3e-3))
    assert losses[-1] < 0.9 * losses[0]


def test_what_is_hidden_is_whole_patches_of_all_leads() -> None:
    signals = torch.ones(4, 3, 10 * PATCH + 5)
    seen, hidden = masked(signals, 0.5, torch.Generator().manual_seed(1))
    assert seen.shape == hidden.shape == (4, 3, 10 * PATCH)
    assert torch.equal(seen, 1 - hidden)
    patches = hidden.unflatten(2, (10, PATCH))
    assert torch.equal(patches.amin(dim=(1, 3)), patches.amax(dim=(1, 3)))


def test_augmentation_leaves_leads_out_but_never_all() -> None:
    signals = np.ones((200, 8, 2000), dtype=np.float32)
    found, _ = augmented(signals, np.zeros((200, 1), dtype=np.float32), np.random.default_rng(1))
    present = (found != 0).any(axis=2).sum(axis=1)
    assert present.min() >= 1
    assert (present == 1).mean() > 0.2
    assert (present == 8).mean() > 0.3


def write_record(folder: Path, name: str, seed: int) -> None:
    wfdb = pytest.importorskip("wfdb")
    ecg = simulate_ecg(noise=RESTING, seed=seed)
    wfdb.wrsamp(
        name, fs=500, units=["mV", "mV"], sig_name=["ii", "V5"], p_signal=ecg.leads[[1, 10]].T, write_dir=str(folder)
    )


def test_records_of_a_folder(tmp_path: Path) -> None:
    for number, part in enumerate(("training", "training", "validation")):
        write_record(tmp_path, f"r{number}", number)
        with (tmp_path / "labels.csv").open("a", encoding="utf-8") as file:
            if not number:
                file.write("record,part,long_qt\n")
            file.write(f"r{number},{part},{number % 2}\n")
    found = read_records(tmp_path, "training", ["long_qt"])
    assert found.signals.shape == (2, 8, 2000)
    assert found.truth.tolist() == [[0.0], [1.0]]
    assert np.abs(found.signals).max(axis=(0, 2)).astype(bool).sum() == 2
    with pytest.raises(ValueError, match="no record of the part test"):
        read_records(tmp_path, "test", ["long_qt"])
    with pytest.raises(ValueError, match="lacks the columns low_voltage"):
        read_records(tmp_path, "training", ["long_qt", "low_voltage"])
