"""Simulated electrocardiograms: twelve leads of a known heart, every interval of which is known."""

from phantoms.ecg.dicom import (
    AMBULATORY,
    FIVE_ELECTRODES,
    GENERAL,
    GENERAL_32_BIT,
    TWELVE_LEAD,
    median_beat_group,
    rhythm_group,
    write_ecg,
    write_groups,
)
from phantoms.ecg.heart import BundleBranch, Conduction, Heart, Infarction, Rhythm
from phantoms.ecg.noise import NONE, RESTING, RESTLESS, Noise
from phantoms.ecg.patients import FINDINGS, admissible_pairs, at_rate, random_heart, random_noise, together
from phantoms.ecg.population import random_findings, random_patient
from phantoms.ecg.simulate import Beat, SimulatedECG, simulate_ecg

__all__ = [
    "AMBULATORY",
    "FINDINGS",
    "FIVE_ELECTRODES",
    "GENERAL",
    "GENERAL_32_BIT",
    "NONE",
    "RESTING",
    "RESTLESS",
    "TWELVE_LEAD",
    "Beat",
    "BundleBranch",
    "Conduction",
    "Heart",
    "Infarction",
    "Noise",
    "Rhythm",
    "SimulatedECG",
    "admissible_pairs",
    "at_rate",
    "median_beat_group",
    "random_findings",
    "random_heart",
    "random_noise",
    "random_patient",
    "rhythm_group",
    "simulate_ecg",
    "together",
    "write_ecg",
    "write_groups",
]
