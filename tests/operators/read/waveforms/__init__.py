"""Tests of what waveforms consist of."""
