"""Simulated recorders: waveform objects of every SOP class whose stored samples are known."""

from phantoms.waveforms.dicom import waveform_instance
from phantoms.waveforms.recorders import RECORDERS, Recorder
from phantoms.waveforms.recording import Channel, Group, Note

__all__ = ["RECORDERS", "Channel", "Group", "Note", "Recorder", "waveform_instance"]
