"""Simulated electrocardiograms: twelve leads of a known heart, every interval of which is known."""

from phantoms.ecg.dicom import AMBULATORY, FIVE_ELECTRODES, GENERAL, TWELVE_LEAD, write_ecg
from phantoms.ecg.heart import BundleBranch, Conduction, Heart, Infarction, Rhythm
from phantoms.ecg.noise import NONE, RESTING, RESTLESS, Noise
from phantoms.ecg.patients import FINDINGS, random_findings, random_heart, random_noise
from phantoms.ecg.simulate import Beat, SimulatedECG, simulate_ecg

__all__ = [
    "AMBULATORY",
    "FINDINGS",
    "FIVE_ELECTRODES",
    "GENERAL",
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
    "random_findings",
    "random_heart",
    "random_noise",
    "simulate_ecg",
    "write_ecg",
]
