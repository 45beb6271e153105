"""CT, MR, PET and NM series with known voxels and affine, in every object class that a scanner may write them in."""
