"""Simulated scanners: complete, valid DICOM objects whose right answer is known."""
