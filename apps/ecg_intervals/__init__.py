"""Intervals, axes, ST levels and rule flags of an electrocardiogram."""
