"""The network on one recording: is it like those that it knows, what does it find, and on what does that rest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydicom.sr.coding import Code

from apps.ecg_findings.heart import Heart, judged_part
from apps.ecg_findings.labels import Label, load_labels
from apps.ecg_findings.network import FindingsNetwork, NetworkSettings
from apps.ecg_findings.rate import RATE_GATE, WARNING, judge_rate
from apps.ecg_findings.signal import SAMPLING_HERTZ, network_input
from operators.check.domain_shift import Reference, domain_shift_gate
from operators.check.gate import GateResult, RefusedByGate, gate_failed, gate_passed
from operators.infer.calibration import Calibration
from operators.infer.explain import integrated_gradients
from operators.infer.weights import load_network
from operators.measure.ecg.analysis import EcgAnalysis
from operators.measure.ecg.leads import INDEPENDENT_LEADS
from operators.measure.ecg.profile import signal_profile
from operators.measure.ecg.quality import UnmeasurableError, require_recording
from operators.measure.ecg.rules import reversed_limb_leads
from operators.read.ecg import EcgInstance
from operators.read.waveforms.ecg_leads import EcgLeads
from operators.refused import CODING_SCHEME, Reason, Refused
from operators.write.pages.ecg_paper import Shade

WEIGHTS = "findings.safetensors"

REVERSAL_GATE = Code("reversal-gate", CODING_SCHEME, "Limb leads")

_SHADE_SECONDS = 0.14
"""Half of what lies between QRS and the end of T: longer ones (0.2 s) reached beyond in one case of four."""
_SHADES = 4
_LEAST_SECONDS = 5.0
"""Of 2.5 s two simulated recordings in five got a wrong label, of 5 s one in sixteen, of 6 to 10 s one in fifty."""


@dataclass(frozen=True, eq=False)
class Model:
    """The network on its device, its labels in the order of its outputs, and what it was made for."""

    network: FindingsNetwork
    labels: tuple[Label, ...]
    calibrations: dict[str, Calibration]
    likeness: Reference
    """What the network makes of recordings that it knows."""
    profile: Reference
    """What kind of signal those are."""
    device: torch.device


@dataclass(frozen=True, eq=False)
class Finding:
    """One label's calibrated probability; ``evidence`` are the parts of leads that speak for it most."""

    label: Label
    probability: float
    evidence: tuple[Shade, ...] = ()

    @property
    def is_reported(self) -> bool:
        """Whether the probability reaches the label's threshold."""
        return self.probability >= self.label.threshold


@dataclass(frozen=True)
class Classified:
    """Every label's finding, in the order of the labels; verdicts and remarks on the recording."""

    findings: tuple[Finding, ...]
    gates: tuple[GateResult, ...]
    remarks: tuple[str, ...] = ()

    @property
    def reported(self) -> tuple[Finding, ...]:
        """Those that reach their threshold, the most probable first."""
        return tuple(sorted((each for each in self.findings if each.is_reported), key=lambda each: -each.probability))


def load_model(folder: Path, device: torch.device) -> Model:
    """Load the network of a model folder. Raises ``FileNotFoundError``, or :class:`ValueError` for other labels."""
    description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    labels = load_labels(folder)
    names = [label.name for label in labels]
    if names != description["labels"]:
        raise ValueError(f"labels.yaml lists {', '.join(names)}; the network has {', '.join(description['labels'])}")
    settings = settings_of(description)
    network = load_network(
        folder / WEIGHTS,
        lambda: FindingsNetwork(settings),
        sha256=description["sha256"],
        device=device,
    )
    assert isinstance(network, FindingsNetwork)
    calibrations = {name: Calibration(**each) for name, each in description["calibration"].items()}
    return Model(
        network,
        labels,
        calibrations,
        Reference.load(folder / "reference.json"),
        Reference.load(folder / "profile.json"),
        device,
    )


def settings_of(description: Mapping[str, Any]) -> NetworkSettings:
    """The network's settings from the content of model.json."""
    settings = description["network"]
    return NetworkSettings(**{**settings, "channels": tuple(settings["channels"])})


def judge_domain(instance: EcgInstance, heart: Heart, model: Model) -> tuple[GateResult, ...]:
    """Judge whether a recording is an ECG like those that the network knows. Raises :class:`Refused`.

    With ``SIGNAL_QUALITY`` where it is too short or sampled too rarely. By its profile as a signal, and by what the
    network makes of it: a network may see nothing strange in noise. And by its limb leads: the network knows no
    swapped ones. And by the rate: at that of no heart of training the network would be silent, or wrong.
    """
    name, leads = instance.waveform.instance.name, judged_part(instance)
    try:
        require_recording(leads, least_seconds=_LEAST_SECONDS)
    except UnmeasurableError as error:
        raise Refused(Reason.SIGNAL_QUALITY, f"{name}: {error}") from error
    verdicts = tuple(verdict.about(name) for verdict in judge_leads(leads, heart, model))
    failed = [verdict for verdict in verdicts if not verdict.passed]
    if failed and failed[0].reason is not None:
        details = "; ".join(verdict.detail for verdict in failed)
        raise RefusedByGate(failed[0].reason, f"{name}: {details}", verdicts)
    return verdicts


def judge_leads(leads: EcgLeads, heart: Heart, model: Model) -> tuple[GateResult, ...]:
    """The verdicts on profile, embedding, limb leads and rate."""
    return (
        domain_shift_gate(leads, signal_profile, model.profile),
        domain_shift_gate(leads, lambda each: _embedding(each, model), model.likeness),
        *_judge_heart(heart),
    )


def _judge_heart(heart: Heart) -> tuple[GateResult, ...]:
    # Whether the network can judge what cannot be measured is for the other gates to say.
    if heart.measured is None:
        return tuple(gate_passed(gate, f"not told: {heart.problem}") for gate in (REVERSAL_GATE, RATE_GATE))
    return _reversal_gate(heart.measured), judge_rate(heart.measured.rate)


def _reversal_gate(ecg: EcgAnalysis) -> GateResult:
    reversal = reversed_limb_leads(ecg)
    if reversal is None:
        return gate_passed(REVERSAL_GATE, "no swapped limb leads are told")
    detail = f"{reversal.finding.meaning}: {reversal.rule} ({reversal.figures})"
    return gate_failed(REVERSAL_GATE, Reason.DOMAIN_SHIFT, detail)


def classify(instance: EcgInstance, gates: tuple[GateResult, ...], model: Model, explain: bool) -> Classified:
    """Return the probability of every label, and with ``explain`` what those rest on that are reported."""
    leads = judged_part(instance)
    findings = []
    for index, (label, probability) in enumerate(zip(model.labels, probabilities(leads, model), strict=True)):
        evidence: tuple[Shade, ...] = ()
        if explain and probability >= label.threshold:
            attribution = integrated_gradients(model.network, _tensor(leads, model), index)
            evidence = _evidence(attribution[0].cpu().numpy(), leads.duration)
        findings.append(Finding(label, probability, evidence))
    warnings = (verdict.detail for verdict in gates if verdict.detail.startswith(WARNING))
    return Classified(tuple(findings), gates, (*instance.remarks, *warnings))


def probabilities(leads: EcgLeads, model: Model) -> tuple[float, ...]:
    """The calibrated probability of each label."""
    with torch.no_grad():
        logits = model.network(_tensor(leads, model))[0].double().cpu().numpy()
    return tuple(
        float(model.calibrations[label.name].probability(logit))
        for label, logit in zip(model.labels, logits, strict=True)
    )


def _tensor(leads: EcgLeads, model: Model) -> torch.Tensor:
    return torch.from_numpy(network_input(leads)[None]).to(model.device)


def _embedding(leads: EcgLeads, model: Model) -> NDArray[np.float64]:
    with torch.no_grad():
        return np.asarray(model.network.embed(_tensor(leads, model))[0].double().cpu().numpy())


def _evidence(attribution: NDArray[np.float32], seconds: float) -> tuple[Shade, ...]:
    """The spans of leads, each of 0.14 s within the ``seconds`` recorded, that together speak most for a finding.

    What speaks against it in a span counts against the span.
    """
    length = round(_SHADE_SECONDS * SAMPLING_HERTZ)
    kernel = np.ones(length)
    attribution = attribution[:, : int(seconds * SAMPLING_HERTZ)]
    sums = np.stack([np.convolve(row, kernel, mode="valid") for row in attribution])
    found: list[Shade] = []
    for _ in range(_SHADES):
        lead, start = np.unravel_index(int(np.argmax(sums)), sums.shape)
        if sums[lead, start] <= 0:
            break
        found.append(
            Shade(INDEPENDENT_LEADS[lead], float(start / SAMPLING_HERTZ), float((start + length) / SAMPLING_HERTZ))
        )
        sums[lead, max(0, start - length) : start + length] = -np.inf
    return tuple(found)
