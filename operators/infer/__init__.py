"""Load a model once, run it."""
