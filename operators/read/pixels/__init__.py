"""Pixel data of a file → stored values: native, compressed or video."""
