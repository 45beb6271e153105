"""Tests of the app that tells findings."""
