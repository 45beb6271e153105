"""The network's shapes, and what the shipped weights tell of patients that they have not seen."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from apps.ecg_findings.classify import WEIGHTS, Model, classify
from apps.ecg_findings.labels import load_labels
from apps.ecg_findings.network import FindingsNetwork, NetworkSettings
from apps.ecg_findings.signal import SAMPLES, network_input
from apps.ecg_findings.training.figures import figures_of
from apps.ecg_findings.training.samples import Samples, simulate_samples
from apps.run import app_manifest, model_folder_of
from operators.infer.explain import integrated_gradients, sanity_check
from operators.measure.ecg.leads import INDEPENDENT_LEADS
from operators.read.ecg import read_newest_ecg
from operators.read.study import read_study
from operators.read.waveforms.ecg_leads import STANDARD_LEADS, EcgLeads
from phantoms.ecg import RESTING, Heart, Infarction, simulate_ecg, write_ecg

NAMES = [label.name for label in load_labels(model_folder_of("ecg_findings"))]
FIRST_SEED = 2_000_000


@pytest.fixture(scope="module")
def held_out() -> Samples:
    return simulate_samples(range(FIRST_SEED, FIRST_SEED + 120), NAMES)


def test_shapes() -> None:
    network = FindingsNetwork(NetworkSettings(labels=5, channels=(8, 8, 12, 12, 16))).eval()
    x = torch.zeros(2, 8, SAMPLES)
    assert network(x).shape == (2, 5)
    assert network.embed(x).shape == (2, 32)
    assert network.features(x).shape == (2, 16, 32)


def test_leads_that_were_not_recorded_are_zero() -> None:
    ecg = simulate_ecg(noise=RESTING)
    found = network_input(EcgLeads(("II", "V5"), ecg.leads[[1, 10]], 500.0))
    assert found.shape == (8, SAMPLES)
    recorded = {INDEPENDENT_LEADS[row] for row in np.flatnonzero(np.abs(found).max(axis=1))}
    assert recorded == {"II", "V5"}


def test_a_short_recording_goes_on_in_its_rhythm() -> None:
    whole = simulate_ecg(Heart(rate=90, qt=350, variability=0.0), seconds=10.0).leads
    found = network_input(EcgLeads(STANDARD_LEADS, whole[:, :2750], 500.0))
    truth = network_input(EcgLeads(STANDARD_LEADS, whole, 500.0))
    np.testing.assert_allclose(found[:, :1000], truth[:, :1000], atol=0.1)
    assert np.corrcoef(found[:, 1100:].ravel(), truth[:, 1100:].ravel())[0, 1] > 0.8


def test_what_is_too_short_to_go_on_is_filled_with_zeros() -> None:
    found = network_input(EcgLeads(STANDARD_LEADS, simulate_ecg(seconds=2.5).leads, 500.0))
    assert np.abs(found[:, :500]).max() > 0.1
    assert not found[:, 500:].any()


def test_the_weights_are_those_of_the_manifest() -> None:
    folder = model_folder_of("ecg_findings")
    listed = {each.path: each.sha256 for each in app_manifest("ecg_findings").model.files}
    assert set(listed) == {path.name for path in folder.iterdir()}
    for name, digest in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name
    description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    assert description["sha256"] == listed[WEIGHTS]
    assert description["notice"] == "demonstration weights, trained on simulated data, not for clinical use"


def test_findings_of_patients_that_were_not_seen(model: Model, held_out: Samples) -> None:
    figures = figures_of(model.network, held_out, NAMES, model.calibrations)
    assert float(str(figures["macro_auroc"])) >= 0.98
    assert float(str(figures["macro_auroc_lead_ii"])) >= 0.97


def test_an_anterior_infarction_rests_on_the_chest_leads_after_the_j_point(model: Model) -> None:
    share, chest = [], []
    for seed in (1, 2, 3):
        heart = Heart(infarction=Infarction.ANTERIOR, st_elevation=0.35)
        ecg = simulate_ecg(heart, noise=RESTING, seed=seed)
        signal = torch.from_numpy(network_input(EcgLeads(STANDARD_LEADS, ecg.leads, 500.0))[None])
        label = NAMES.index("anterior_infarction")
        found = integrated_gradients(model.network, signal, label)[0].numpy().clip(min=0)
        inside = np.zeros(SAMPLES, dtype=bool)
        for beat in ecg.beats:
            # From the onset of QRS, as lost forces are a sign of it, too.
            inside[round(beat.qrs_onset * 200) : round(beat.t_end * 200)] = True
        rows = [INDEPENDENT_LEADS.index(name) for name in ("V1", "V2", "V3", "V4")]
        chest.append(found[rows].sum() / found.sum())
        share.append(found[:, inside].sum() / found.sum() / inside.mean())
    assert np.mean(chest) > 0.5
    assert np.mean(share) > 1.2, "more than chance lies between the onset of QRS and the end of T"


@pytest.mark.parametrize(
    ("infarction", "leads"),
    [
        (Infarction.ANTERIOR, ("V1", "V2", "V3", "V4")),
        pytest.param(
            Infarction.INFERIOR,
            ("II",),
            marks=pytest.mark.xfail(strict=True, reason="shown where ST is depressed, opposite the infarction"),
        ),
        # ST is raised in II, and depressed in the others.
        (Infarction.INFERIOR, ("II", "I", "V3", "V4", "V5", "V6")),
    ],
)
def test_the_evidence_of_an_infarction_lies_in_its_leads_between_qrs_and_the_end_of_t(
    infarction: Infarction, leads: tuple[str, ...], model: Model, tmp_path: Path
) -> None:
    hits, inside = [], []
    for seed in (11, 12, 13, 14):
        ecg = simulate_ecg(Heart(infarction=infarction, st_elevation=0.35), noise=RESTING, seed=seed)
        write_ecg(ecg, tmp_path / str(seed) / "ecg.dcm", seed=seed)
        (series,) = read_study(tmp_path / str(seed)).series
        (finding,) = classify(read_newest_ecg(series), (), model, explain=True).reported
        assert len(finding.evidence) == 4
        spans = [(beat.qrs_end, beat.t_end) for beat in ecg.beats]
        for shade in finding.evidence:
            hits.append(shade.lead in leads)
            overlaps = [max(0.0, min(shade.end, end) - max(shade.start, start)) for start, end in spans]
            inside.append(sum(overlaps) / (shade.end - shade.start))
    assert np.mean(hits) >= 0.75
    assert np.mean(inside) >= 0.75


def test_the_explanation_depends_on_the_weights(model: Model) -> None:
    ecg = simulate_ecg(Heart(infarction=Infarction.ANTERIOR, st_elevation=0.35), noise=RESTING)
    signal = torch.from_numpy(network_input(EcgLeads(STANDARD_LEADS, ecg.leads, 500.0))[None])
    label = NAMES.index("anterior_infarction")
    alike = sanity_check(model.network, signal, lambda net, x: integrated_gradients(net, x, label, steps=8))
    assert alike < 0.7
