"""One folder, one app, one MAP: ``<modality>_<task>``."""
