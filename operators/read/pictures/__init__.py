"""What pictures and clips have beside their values: colour, times, spacing, regions."""
