"""Outlines of breast lesions in ultrasound pictures, where the picture is like those the network knows."""
