"""A simulated MR scanner for the brain: anatomy, contrast, lesions and their truth."""

from phantoms.mr_brain.data import Acquisition, BrainMRPhantom, Lesion
from phantoms.mr_brain.dicom import BrainMRStudy, WrittenSeries, write_brain_mr, write_localizer
from phantoms.mr_brain.regions import Region, RegionTable, load_region_table
from phantoms.mr_brain.simulate import lesion_in_region, simulate_brain_mr

__all__ = [
    "Acquisition",
    "BrainMRPhantom",
    "BrainMRStudy",
    "Lesion",
    "Region",
    "RegionTable",
    "WrittenSeries",
    "lesion_in_region",
    "load_region_table",
    "simulate_brain_mr",
    "write_brain_mr",
    "write_localizer",
]
