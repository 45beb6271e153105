"""Bringing volumes into one geometry: resampling by affine and rigid registration."""
