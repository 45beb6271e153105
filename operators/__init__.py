"""Reusable MONAI Deploy operators and the plain functions they wrap."""
