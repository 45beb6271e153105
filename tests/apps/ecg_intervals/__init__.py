"""Tests of the app that measures intervals."""
