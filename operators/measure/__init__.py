"""Masks → numbers."""
