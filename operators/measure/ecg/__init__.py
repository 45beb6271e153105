"""Electrocardiograms → beats, waves, intervals, levels and what they mean: plain functions on leads in mV."""
