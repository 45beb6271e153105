"""What a derived waveform consists of: channels in physical units, stored samples, the limits of each IOD."""
