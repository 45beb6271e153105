"""Stored values → values in the modality's units, and how they are meant to be shown."""
