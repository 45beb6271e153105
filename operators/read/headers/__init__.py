"""Header of a file → data set: as pydicom reads it, in a fraction of the time; and what its values mean."""
