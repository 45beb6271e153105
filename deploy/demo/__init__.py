"""One simulated study, end to end, on this machine: ``gantry demo``."""
