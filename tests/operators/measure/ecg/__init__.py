"""Tests of electrocardiograms' measurements."""
