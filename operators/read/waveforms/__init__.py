"""What waveforms consist of: multiplex groups, channels, samples, annotations."""
