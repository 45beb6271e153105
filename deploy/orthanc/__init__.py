"""Orthanc, set up to play the PACS on this machine."""
