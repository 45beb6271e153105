"""Outlines of fluid in finger and wrist joints in ultrasound pictures."""
