"""Simulated ultrasound pictures: speckle from scatterers, with a lesion or an effusion whose outline is known."""

from phantoms.sonography.breast import Edge, Lesion, SimulatedSonogram, simulate_breast
from phantoms.sonography.dicom import WrittenSonogram, write_sonogram
from phantoms.sonography.joint import simulate_joint
from phantoms.sonography.speckle import OTHER_SCANNER, REFERENCE, Scanner, random_scanner
from phantoms.sonography.study import simulate_breast_clip, write_breast_study, write_joint_study
from phantoms.sonography.window import cut_through

__all__ = [
    "OTHER_SCANNER",
    "REFERENCE",
    "Edge",
    "Lesion",
    "Scanner",
    "SimulatedSonogram",
    "WrittenSonogram",
    "cut_through",
    "random_scanner",
    "simulate_breast",
    "simulate_breast_clip",
    "simulate_joint",
    "write_breast_study",
    "write_joint_study",
    "write_sonogram",
]
